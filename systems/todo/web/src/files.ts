import { AwsClient } from "aws4fetch";
import { type Config, endpointOf } from "./config";
import type { Session } from "./session";

export interface StoredFile {
  key: string;
  name: string;
  size: number;
  modified: Date;
}

interface Credentials {
  identity: string;
  client: AwsClient;
  expires: number;
}

const EARLY = 300_000; // milliseconds before their end that credentials are renewed

/** A user's private files: straight to and from S3 with temporary credentials of the identity pool. */
export class Files {
  private credentials: Promise<Credentials> | null = null;
  private readonly bucket: string;

  constructor(
    private readonly config: Config,
    private readonly session: Session,
  ) {
    const { FilesBucket } = config.outputs;
    this.bucket = config.endpoint
      ? `${config.endpoint}/${FilesBucket}`
      : `https://${FilesBucket}.s3.${config.region}.amazonaws.com`;
  }

  /** The user's files, newest first. */
  async list(): Promise<StoredFile[]> {
    const { client, identity } = await this.current();
    const prefix = `private/${identity}/`;
    const found: StoredFile[] = [];
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ "list-type": "2", prefix });
      if (token) query.set("continuation-token", token);
      const answer = await client.fetch(`${this.bucket}?${query}`, { aws: { service: "s3" } });
      const text = await answer.text();
      if (!answer.ok) throw new Error(reason(text, answer.status));
      const page = new DOMParser().parseFromString(text, "application/xml");
      for (const item of page.querySelectorAll("Contents")) {
        const key = item.querySelector("Key")?.textContent ?? "";
        found.push({
          key,
          name: key.slice(prefix.length),
          size: Number(item.querySelector("Size")?.textContent),
          modified: new Date(item.querySelector("LastModified")?.textContent ?? ""),
        });
      }
      token = page.querySelector("NextContinuationToken")?.textContent ?? undefined;
    } while (token);
    return found.sort((one, other) => other.modified.getTime() - one.modified.getTime());
  }

  /** Upload, telling what part of it is sent (0 to 1). */
  async upload(file: File, progress: (part: number) => void): Promise<void> {
    const { client, identity } = await this.current();
    const url = this.address(`private/${identity}/${file.name}`);
    // fetch() tells nothing of an upload's progress, so the request is signed here and sent the older way.
    const signed = await client.sign(url, {
      method: "PUT",
      headers: {
        "Content-Type": file.type || "application/octet-stream",
        "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
      },
      aws: { service: "s3", allHeaders: true },
    });
    await new Promise<void>((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", signed.url);
      for (const [name, value] of signed.headers) {
        if (name !== "host") request.setRequestHeader(name, value);
      }
      request.upload.onprogress = (event) => progress(event.loaded / event.total);
      request.onload = () =>
        request.status === 200 ? resolve() : reject(new Error(reason(request.responseText, request.status)));
      request.onerror = () => reject(new Error("no connection"));
      request.send(file);
    });
  }

  /** An address that shows the file for a few minutes. */
  async link(key: string): Promise<string> {
    const { client } = await this.current();
    const url = `${this.address(key)}?X-Amz-Expires=300`;
    return (await client.sign(url, { method: "GET", aws: { service: "s3", signQuery: true } })).url;
  }

  async remove(key: string): Promise<void> {
    const { client } = await this.current();
    const answer = await client.fetch(this.address(key), { method: "DELETE", aws: { service: "s3" } });
    if (!answer.ok) throw new Error(reason(await answer.text(), answer.status));
  }

  private address(key: string): string {
    return `${this.bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
  }

  private async current(): Promise<Credentials> {
    const kept = this.credentials && (await this.credentials.catch(() => null));
    if (kept && kept.expires - EARLY > Date.now()) return kept;
    this.credentials = this.obtain();
    return this.credentials;
  }

  private async obtain(): Promise<Credentials> {
    const { region, outputs } = this.config;
    const token = await this.session.idToken();
    const Logins = { [`cognito-idp.${region}.amazonaws.com/${outputs.UserPoolId}`]: token };
    const { IdentityId } = await this.ask<{ IdentityId: string }>("GetId", {
      IdentityPoolId: outputs.IdentityPoolId,
      Logins,
    });
    const { Credentials } = await this.ask<{
      Credentials: { AccessKeyId: string; SecretKey: string; SessionToken: string; Expiration: number };
    }>("GetCredentialsForIdentity", { IdentityId, Logins });
    return {
      identity: IdentityId,
      expires: Credentials.Expiration * 1000,
      client: new AwsClient({
        accessKeyId: Credentials.AccessKeyId,
        secretAccessKey: Credentials.SecretKey,
        sessionToken: Credentials.SessionToken,
        region,
        service: "s3",
        retries: 2,
      }),
    };
  }

  private async ask<Answer>(operation: string, body: unknown): Promise<Answer> {
    const answer = await fetch(`${endpointOf(this.config, "cognito-identity")}/`, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": `AWSCognitoIdentityService.${operation}`,
      },
      body: JSON.stringify(body),
    });
    const found = (await answer.json()) as Answer & { message?: string };
    if (!answer.ok) throw new Error(found.message ?? `${operation}: ${answer.status}`);
    return found;
  }
}

function reason(xml: string, status: number): string {
  const found = new DOMParser().parseFromString(xml, "application/xml").querySelector("Message")?.textContent;
  return found ?? `status ${status}`;
}
