// Drives S3 with the AWS SDK for JavaScript v3 and prints what it saw as JSON.
import { randomBytes } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const client = new S3Client({ maxAttempts: 1, forcePathStyle: true });
const bucket = "javascript";
const found = {};
await client.send(new CreateBucketCommand({ Bucket: bucket }));
const small = { Bucket: bucket, Key: "js/small ü+" };
await client.send(new PutObjectCommand({ ...small, Body: "hello ü", Metadata: { a: "1" } }));
const got = await client.send(new GetObjectCommand({ ...small, ChecksumMode: "ENABLED" }));
found.small = await got.Body.transformToString();
found.metadata = got.Metadata;
const part = await client.send(new GetObjectCommand({ ...small, Range: "bytes=2-4" }));
found.range = await part.Body.transformToString();

const large = { Bucket: bucket, Key: "js/large" };
const bodies = [randomBytes(5 << 20), randomBytes(1 << 20)];
const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...large, ChecksumAlgorithm: "CRC32C" }));
const parts = await Promise.all(bodies.map(async (Body, index) => {
  const PartNumber = index + 1;
  const { ETag, ChecksumCRC32C } = await client.send(
    new UploadPartCommand({ ...large, UploadId, PartNumber, Body, ChecksumAlgorithm: "CRC32C" }),
  );
  return { PartNumber, ETag, ChecksumCRC32C };
}));
await client.send(new CompleteMultipartUploadCommand({ ...large, UploadId, MultipartUpload: { Parts: parts } }));
const head = await client.send(new HeadObjectCommand({ ...large, PartNumber: 1 }));
found.parts = head.PartsCount;
const back = await client.send(new GetObjectCommand(large));
found.same = Buffer.concat(bodies).equals(Buffer.from(await back.Body.transformToByteArray()));

const listed = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: "js/" }));
found.keys = listed.Contents.map((each) => each.Key);
try {
  await client.send(new GetObjectCommand({ Bucket: bucket, Key: "none" }));
} catch (error) {
  found.missing = error.name;
}
const link = await getSignedUrl(client, new GetObjectCommand(small), { expiresIn: 60 });
found.link = await (await fetch(link)).text();
console.log(JSON.stringify(found));
