// A user's device with amazon-cognito-identity-js, as a browser keeps it; prints what it found as JSON.
import cognito from "amazon-cognito-identity-js";

const [UserPoolId, ClientId, name, password] = process.argv.slice(2);
const pool = new cognito.CognitoUserPool({ UserPoolId, ClientId, endpoint: process.env.AWS_ENDPOINT_URL });
const found = {};

// Each sign-in is a page of its own that finds the device's key in the browser's storage.
const signIn = () => new Promise((resolve, reject) => {
  const user = new cognito.CognitoUser({ Username: name, Pool: pool });
  user.authenticateUser(new cognito.AuthenticationDetails({ Username: name, Password: password }), {
    onSuccess: (session) => resolve({ user, session }),
    onFailure: reject,
  });
});
const called = (run) => new Promise((resolve, reject) => run({
  onSuccess: (...given) => resolve(given.at(-1)), onFailure: reject,
}));

const first = await signIn();
const key = first.session.getAccessToken().payload.device_key;
found.firstTime = typeof key;
const second = await signIn();
found.again = second.session.getAccessToken().payload.device_key === key;
found.renewed = await new Promise((resolve, reject) => second.user.refreshSession(
  second.session.getRefreshToken(),
  (error, session) => (error ? reject(error) : resolve(session.getAccessToken().payload.device_key === key)),
));
found.listed = (await new Promise((resolve, reject) => second.user.listDevices(10, null, {
  onSuccess: resolve, onFailure: reject,
}))).Devices.map((each) => each.DeviceKey === key);
found.status = await called((callbacks) => second.user.setDeviceStatusNotRemembered(callbacks));
found.notRemembered = (await signIn()).session.getAccessToken().payload.device_key === key;
await called((callbacks) => second.user.forgetDevice(callbacks));
found.another = (await signIn()).session.getAccessToken().payload.device_key !== key;
console.log(JSON.stringify(found));
