// Drives DynamoDB and Lambda with the JavaScript SDK v3; prints what it found as JSON.
import {
  CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

const settings = { endpoint: process.env.AWS_ENDPOINT_URL, region: "us-east-1", maxAttempts: 1 };
const dynamodb = new DynamoDBClient(settings);
const found = {};

await dynamodb.send(new CreateTableCommand({
  TableName: "js-table",
  KeySchema: [{ AttributeName: "h", KeyType: "HASH" }, { AttributeName: "r", KeyType: "RANGE" }],
  AttributeDefinitions: [{ AttributeName: "h", AttributeType: "S" }, { AttributeName: "r", AttributeType: "N" }],
  BillingMode: "PAY_PER_REQUEST",
}));
for (const r of ["2", "10", "1"]) {
  await dynamodb.send(new PutItemCommand({ TableName: "js-table", Item: { h: { S: "x" }, r: { N: r }, b: { B: Buffer.from([0, 255]) } } }));
}
const got = await dynamodb.send(new GetItemCommand({ TableName: "js-table", Key: { h: { S: "x" }, r: { N: "2" } } }));
found.bytes = [...got.Item.b.B];
const queried = await dynamodb.send(new QueryCommand({
  TableName: "js-table", KeyConditionExpression: "h = :h", ExpressionAttributeValues: { ":h": { S: "x" } },
}));
found.order = queried.Items.map((item) => item.r.N);
try {
  await dynamodb.send(new TransactWriteItemsCommand({
    TransactItems: [{ Put: { TableName: "js-table", Item: { h: { S: "x" }, r: { N: "1" } }, ConditionExpression: "attribute_not_exists(h)" } }],
  }));
} catch (error) {
  found.cancelled = [error.name, error.CancellationReasons.map((reason) => reason.Code)];
}
try {
  await dynamodb.send(new GetItemCommand({ TableName: "none", Key: { h: { S: "x" } } }));
} catch (error) {
  found.missing = error.name;
}
const lambda = new LambdaClient(settings);
const answer = await lambda.send(new InvokeCommand({ FunctionName: process.argv[2], Payload: JSON.stringify({ a: 1 }) }));
found.invoked = [answer.StatusCode, JSON.parse(Buffer.from(answer.Payload).toString())];
try {
  await lambda.send(new InvokeCommand({ FunctionName: "none" }));
} catch (error) {
  found.noFunction = [error.name, error.message];
}
console.log(JSON.stringify(found));
