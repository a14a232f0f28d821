// Signs a user up and in with amazon-cognito-identity-js, as a browser would; prints what it found as JSON.
import cognito from "amazon-cognito-identity-js";
import { createHmac } from "node:crypto";

const [UserPoolId, ClientId, name, password] = process.argv.slice(2);
const endpoint = process.env.AWS_ENDPOINT_URL;
const pool = new cognito.CognitoUserPool({ UserPoolId, ClientId, endpoint });
const found = {};

const settled = (run) => new Promise((resolve, reject) => run(
  (error, result) => (error ? reject(error) : resolve(result)),
));
const failure = async (promise) => {
  try {
    await promise;
    return "nothing";
  } catch (error) {
    return [error.code ?? error.name, error.message];
  }
};
const authenticate = (user, secret, answers = {}) => new Promise((resolve, reject) => {
  const callbacks = {
    onSuccess: (session) => resolve(session),
    onFailure: reject,
    newPasswordRequired: (attributes) => user.completeNewPasswordChallenge(answers.password, {}, callbacks),
    totpRequired: () => user.sendMFACode(totp(answers.secret, answers.step), callbacks, "SOFTWARE_TOKEN_MFA"),
    mfaSetup: () => reject(new Error("mfa setup")),
  };
  user.authenticateUser(new cognito.AuthenticationDetails({ Username: user.getUsername(), Password: secret }), callbacks);
});

// RFC 6238; `step` moves on, since a code is good once.
function totp(secret, step = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const letter of secret) bits += alphabet.indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + step));
  const digest = createHmac("sha1", key).update(counter).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0");
}

const user = new cognito.CognitoUser({ Username: name, Pool: pool });
found.wrong = await failure(authenticate(user, "Wrong-1234"));
const session = await authenticate(user, password);
found.claims = session.getIdToken().payload["cognito:username"];
found.attributes = (await settled((done) => user.getUserAttributes(done)))
  .map((each) => each.getName()).sort();
const renewed = await settled((done) => user.refreshSession(session.getRefreshToken(), done));
found.renewed = renewed.getAccessToken().payload.username;

const secret = await new Promise((resolve, reject) => user.associateSoftwareToken({
  associateSecretCode: resolve, onFailure: reject,
}));
await new Promise((resolve, reject) => user.verifySoftwareToken(totp(secret), "phone", {
  onSuccess: resolve, onFailure: reject,
}));
await settled((done) => user.setUserMfaPreference(null, { Enabled: true, PreferredMfa: true }, done));
const again = new cognito.CognitoUser({ Username: name, Pool: pool });
const second = await authenticate(again, password, { secret, step: 1 });
found.totp = second.getAccessToken().payload.token_use;
await new Promise((resolve, reject) => again.globalSignOut({ onSuccess: resolve, onFailure: reject }));
found.signedOut = await failure(settled((done) => user.refreshSession(session.getRefreshToken(), done)));
console.log(JSON.stringify(found));
