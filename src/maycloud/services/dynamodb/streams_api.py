"""Amazon DynamoDB Streams' operations."""

from maycloud.services.base import Call, Cloud, Params, Result, Service
from maycloud.services.dynamodb import streams
from maycloud.services.dynamodb.streams import Streams


class StreamReader:
    """Reads what DynamoDB itself writes."""

    def __init__(self, cloud: Cloud) -> None:
        self.streams = Streams(cloud.store)


service = Service("dynamodbstreams", prefix="dynamodb", state=StreamReader)


@service.operation(resource=streams.stream_arn, atomic=False)
def DescribeStream(call: Call, params: Params) -> Result:
    return streams.describe_stream(call, params)


@service.operation(atomic=False)
def ListStreams(call: Call, params: Params) -> Result:
    return streams.list_streams(call, params)


@service.operation(resource=streams.stream_arn, atomic=False)
def GetShardIterator(call: Call, params: Params) -> Result:
    return streams.get_shard_iterator(call, params)


@service.operation(resource=streams.iterator_arn, atomic=False)
def GetRecords(call: Call, params: Params) -> Result:
    return streams.get_records(call, params)
