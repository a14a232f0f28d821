"""The modules that CloudFormation puts beside inline code: `cfnresponse` and `cfn-response`.

They have the interface that AWS documents and send the answer of a custom resource to its address:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
"""

PYTHON = """\
import json
import urllib.request

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False, reason=None):
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(answer).encode(), {"content-type": ""}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        print("Status code:", response.status)
"""

NODE = """\
"use strict";
const http = require("node:http");
const https = require("node:https");

exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";

exports.send = function (event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({
      Status: responseStatus,
      Reason: "See the details in CloudWatch Log Stream: " + context.logStreamName,
      PhysicalResourceId: physicalResourceId || context.logStreamName,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      NoEcho: noEcho || false,
      Data: responseData,
    });
    const url = new URL(event.ResponseURL);
    const client = url.protocol === "http:" ? http : https;
    const headers = { "content-type": "", "content-length": Buffer.byteLength(body) };
    const request = client.request(url, { method: "PUT", headers }, (response) => {
      response.resume();
      response.on("end", () => { if (context.done) context.done(); resolve(); });
    });
    request.on("error", (error) => { if (context.done) context.done(error); reject(error); });
    request.end(body);
  });
};
"""


def beside(name: str, source: str) -> dict[str, str]:
    """What goes into the package of inline code beside its own file, by file name."""
    if name.endswith(".py"):
        return {"cfnresponse.py": PYTHON} if "cfnresponse" in source else {}
    return {"node_modules/cfn-response/index.js": NODE} if "cfn-response" in source else {}
