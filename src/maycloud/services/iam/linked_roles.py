"""How AWS names the roles of its services.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html leads to them.
"""

_SCALING = "ApplicationAutoScaling_"
_NAMES = {
    "autoscaling": "AutoScaling",
    "cassandra.application-autoscaling": f"{_SCALING}CassandraTable",
    "cognito-idp": "AmazonCognitoIdp",
    "config": "Config",
    "custom-resource.application-autoscaling": f"{_SCALING}CustomResource",
    "dax": "DAX",
    "dynamodb.application-autoscaling": f"{_SCALING}DynamoDBTable",
    "ec2.application-autoscaling": f"{_SCALING}EC2SpotFleetRequest",
    "ecs": "ECS",
    "ecs.application-autoscaling": f"{_SCALING}ECSService",
    "eks": "AmazonEKS",
    "elasticache": "ElastiCache",
    "elasticache.application-autoscaling": f"{_SCALING}ElastiCacheRG",
    "elasticbeanstalk": "ElasticBeanstalk",
    "elasticfilesystem": "AmazonElasticFileSystem",
    "elasticloadbalancing": "ElasticLoadBalancing",
    "email.cognito-idp": "AmazonCognitoIdpEmailService",
    "es": "AmazonElasticsearchService",
    "events": "CloudWatchEvents",
    "globalaccelerator": "GlobalAccelerator",
    "guardduty": "AmazonGuardDuty",
    "kafka": "Kafka",
    "kafka.application-autoscaling": f"{_SCALING}KafkaCluster",
    "lambda.application-autoscaling": f"{_SCALING}LambdaConcurrency",
    "logger.cloudfront": "CloudFrontLogger",
    "opensearchservice": "AmazonOpenSearchService",
    "ops.apigateway": "APIGateway",
    "organizations": "Organizations",
    "rds": "RDS",
    "rds.application-autoscaling": f"{_SCALING}RDSCluster",
    "redshift": "Redshift",
    "replication.dynamodb": "DynamoDBReplication",
    "replicator.lambda": "LambdaReplicator",
    "spot": "EC2Spot",
    "spotfleet": "EC2SpotFleet",
    "ssm": "AmazonSSM",
    "support": "Support",
    "transitgateway": "VPCTransitGateway",
    "trustedadvisor": "TrustedAdvisor",
}


def role_name(service: str, suffix: str | None) -> str:
    """Of a service's role; one that is not known is named after the service."""
    name = service.removesuffix(".amazonaws.com").removesuffix(".aws.internal")
    known = _NAMES.get(name) or "".join(part.title() for part in name.partition(".")[0].split("-"))
    return f"AWSServiceRoleFor{known}{f'_{suffix}' if suffix else ''}"
