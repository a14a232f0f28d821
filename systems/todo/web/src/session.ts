import { signal } from "@preact/signals";
import {
  AuthenticationDetails,
  CognitoAccessToken,
  CognitoIdToken,
  CognitoRefreshToken,
  CognitoUser,
  CognitoUserPool,
  CognitoUserSession,
} from "amazon-cognito-identity-js";
import { type Config, endpointOf } from "./config";

export interface User {
  sub: string;
  email: string;
}

/** Who is signed in; undefined until that is known. */
export const user = signal<User | null | undefined>(undefined);

/** Raised where a sign-in needs the code of the authenticator app; `answer` takes it. */
export class CodeNeeded extends Error {
  constructor(readonly answer: (code: string) => Promise<void>) {
    super("a code is needed");
  }
}

/** Sign-up to sign-out with a Cognito user pool. Passwords go over SRP and never leave the page. */
export class Session {
  private readonly pool: CognitoUserPool;

  constructor(private readonly config: Config) {
    this.pool = new CognitoUserPool({
      UserPoolId: config.outputs.UserPoolId,
      ClientId: config.outputs.UserPoolClientId,
      endpoint: config.endpoint ? endpointOf(config, "cognito-idp") : undefined,
    });
  }

  /** Take up an earlier session, or finish a sign-in on the hosted page. */
  async resume(): Promise<void> {
    const back = new URLSearchParams(location.search);
    if (back.has("code") && back.has("state")) await this.finishHosted(back);
    try {
      await this.idToken();
    } catch {
      // Offline with a session that cannot be refreshed now: what is kept on the device is still the user's.
      const known = this.pool.getCurrentUser() ? localStorage.getItem("user") : null;
      user.value = known && !navigator.onLine ? (JSON.parse(known) as User) : null;
    }
  }

  /** A valid id token, refreshed where it has expired. Rejects when one must sign in again. */
  async idToken(): Promise<string> {
    return (await this.current()).session.getIdToken().getJwtToken();
  }

  signUp(email: string, password: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pool.signUp(email, password, [], [], (error) => (error ? reject(error) : resolve()));
    });
  }

  confirm(email: string, code: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.userNamed(email).confirmRegistration(code, true, (error) => (error ? reject(error) : resolve()));
    });
  }

  resend(email: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.userNamed(email).resendConfirmationCode((error) => (error ? reject(error) : resolve()));
    });
  }

  /** Rejects with CodeNeeded where a second step follows. */
  signIn(email: string, password: string): Promise<void> {
    const named = this.userNamed(email);
    return new Promise((resolve, reject) => {
      const callbacks = {
        onSuccess: (session: CognitoUserSession) => {
          this.entered(session);
          resolve();
        },
        onFailure: reject,
        totpRequired: () =>
          reject(
            new CodeNeeded(
              (code) =>
                new Promise((done, failed) => {
                  named.sendMFACode(
                    code,
                    {
                      onSuccess: (session) => {
                        this.entered(session);
                        done();
                      },
                      onFailure: failed,
                    },
                    "SOFTWARE_TOKEN_MFA",
                  );
                }),
            ),
          ),
      };
      named.authenticateUser(new AuthenticationDetails({ Username: email, Password: password }), callbacks);
    });
  }

  forgot(email: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.userNamed(email).forgotPassword({ onSuccess: () => resolve(), onFailure: reject });
    });
  }

  reset(email: string, code: string, password: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.userNamed(email).confirmPassword(code, password, { onSuccess: () => resolve(), onFailure: reject });
    });
  }

  async signOut(everywhere: boolean): Promise<void> {
    const current = this.pool.getCurrentUser();
    if (current && everywhere) {
      const entered = await this.current();
      await new Promise<void>((resolve, reject) => {
        entered.named.globalSignOut({ onSuccess: () => resolve(), onFailure: reject });
      });
    } else if (current) {
      // Revokes the refresh token; offline the tokens are dropped all the same.
      const entered = await this.current().catch(() => null);
      await new Promise<void>((resolve) => (entered ? entered.named.signOut(() => resolve()) : resolve()));
      current.signOut();
    }
    localStorage.removeItem("user");
    user.value = null;
  }

  /** A new key for an authenticator app. */
  async newTotpKey(): Promise<string> {
    const { named } = await this.current();
    return new Promise((resolve, reject) => {
      named.associateSoftwareToken({ associateSecretCode: resolve, onFailure: reject });
    });
  }

  async turnTotpOn(code: string): Promise<void> {
    const { named } = await this.current();
    await new Promise<void>((resolve, reject) => {
      named.verifySoftwareToken(code, "phone", { onSuccess: () => resolve(), onFailure: reject });
    });
    await this.preferTotp(named, true);
  }

  async turnTotpOff(): Promise<void> {
    await this.preferTotp((await this.current()).named, false);
  }

  async usesTotp(): Promise<boolean> {
    // Asked for directly: the library's getUserData would refresh the tokens, and store them anew, even after
    // a sign-out in between.
    const answer = await fetch(`${endpointOf(this.config, "cognito-idp")}/`, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.GetUser",
      },
      body: JSON.stringify({ AccessToken: (await this.current()).session.getAccessToken().getJwtToken() }),
    });
    const found = (await answer.json()) as { UserMFASettingList?: string[]; message?: string };
    if (!answer.ok) throw new Error(found.message);
    return found.UserMFASettingList?.includes("SOFTWARE_TOKEN_MFA") ?? false;
  }

  /** Go to the hosted sign-in page, with PKCE; it leads back to this page. */
  async signInHosted(): Promise<void> {
    const verifier = random();
    const state = random();
    sessionStorage.setItem("hosted", JSON.stringify({ verifier, state }));
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    const { AuthUrl, AppUrl, UserPoolClientId } = this.config.outputs;
    location.href = `${AuthUrl}/oauth2/authorize?${new URLSearchParams({
      response_type: "code",
      client_id: UserPoolClientId,
      redirect_uri: AppUrl,
      scope: "openid email profile aws.cognito.signin.user.admin",
      state,
      code_challenge: base64url(new Uint8Array(digest)),
      code_challenge_method: "S256",
    })}`;
  }

  private async finishHosted(back: URLSearchParams): Promise<void> {
    const begun = JSON.parse(sessionStorage.getItem("hosted") ?? "{}") as { verifier?: string; state?: string };
    sessionStorage.removeItem("hosted");
    history.replaceState(null, "", location.pathname);
    if (!begun.verifier || begun.state !== back.get("state")) return;
    const { AuthUrl, AppUrl, UserPoolClientId } = this.config.outputs;
    const answer = await fetch(`${AuthUrl}/oauth2/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: UserPoolClientId,
        code: back.get("code") ?? "",
        redirect_uri: AppUrl,
        code_verifier: begun.verifier,
      }),
    });
    if (!answer.ok) return;
    const tokens = (await answer.json()) as { id_token: string; access_token: string; refresh_token: string };
    const session = new CognitoUserSession({
      IdToken: new CognitoIdToken({ IdToken: tokens.id_token }),
      AccessToken: new CognitoAccessToken({ AccessToken: tokens.access_token }),
      RefreshToken: new CognitoRefreshToken({ RefreshToken: tokens.refresh_token }),
    });
    const name = (session.getAccessToken().payload as { username: string }).username;
    this.userNamed(name).setSignInUserSession(session);
    this.entered(session);
  }

  private current(): Promise<{ named: CognitoUser; session: CognitoUserSession }> {
    return new Promise((resolve, reject) => {
      const named = this.pool.getCurrentUser();
      if (!named) return reject(new Error("signed out"));
      named.getSession((error: Error | null, session: CognitoUserSession | null) => {
        if (error || !session?.isValid()) return reject(error ?? new Error("signed out"));
        this.entered(session);
        resolve({ named, session });
      });
    });
  }

  private entered(session: CognitoUserSession): void {
    const claims = session.getIdToken().payload as { sub: string; email: string };
    if (user.value?.sub === claims.sub) return;
    const entered = { sub: claims.sub, email: claims.email };
    localStorage.setItem("user", JSON.stringify(entered));
    user.value = entered;
  }

  private preferTotp(named: CognitoUser, on: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      named.setUserMfaPreference(null, { PreferredMfa: on, Enabled: on }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  private userNamed(name: string): CognitoUser {
    return new CognitoUser({ Username: name, Pool: this.pool });
  }
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
