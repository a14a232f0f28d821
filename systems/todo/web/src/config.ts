/** Where everything is: `config.json` beside the page, written when the stack is deployed. */
export interface Config {
  region: string;
  /** Address of AWS's services where it is not AWS's own, such as https://localhost:4566. */
  endpoint?: string;
  /** The stack's outputs. */
  outputs: {
    ApiUrl: string;
    AppUrl: string;
    AuthUrl: string;
    UserPoolId: string;
    UserPoolClientId: string;
    IdentityPoolId: string;
    FilesBucket: string;
  };
}

export async function loadConfig(): Promise<Config> {
  const answer = await fetch("./config.json", { cache: "no-cache" });
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  return (await answer.json()) as Config;
}

/** Address of a service's API. */
export function endpointOf(config: Config, service: string): string {
  return config.endpoint ?? `https://${service}.${config.region}.amazonaws.com`;
}
