import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { t, type Words } from "../i18n";
import { CodeNeeded, type Session } from "../session";
import { Field, Form, LanguageChoice } from "./parts";

type Step = "signIn" | "signUp" | "confirm" | "forgot" | "reset" | "totp";

const titles: Record<Step, keyof Words> = {
  signIn: "signIn",
  signUp: "signUp",
  confirm: "confirm",
  forgot: "forgot",
  reset: "reset",
  totp: "signIn",
};

/** Everything before one is signed in. */
export function SignInView({ session }: { session: Session }) {
  const step = useSignal<Step>("signIn");
  const email = useSignal("");
  const password = useSignal("");
  const code = useSignal("");
  const notice = useSignal<string | null>(null);
  const second = useRef<CodeNeeded | null>(null);

  function go(next: Step, said: string | null = null): void {
    step.value = next;
    code.value = "";
    notice.value = said;
  }

  const send: Record<Step, () => Promise<void>> = {
    signIn: async () => {
      try {
        await session.signIn(email.value, password.value);
      } catch (error) {
        if (error instanceof CodeNeeded) {
          second.current = error;
          go("totp");
        } else if (error instanceof Error && error.name === "UserNotConfirmedException") {
          await session.resend(email.value);
          go("confirm", t("codeSent", { email: email.value }));
        } else {
          throw error;
        }
      }
    },
    totp: () => second.current?.answer(code.value) ?? Promise.resolve(),
    signUp: async () => {
      await session.signUp(email.value, password.value);
      go("confirm", t("codeSent", { email: email.value }));
    },
    confirm: async () => {
      await session.confirm(email.value, code.value.trim());
      if (password.value) await send.signIn();
      else go("signIn", t("confirmed"));
    },
    forgot: async () => {
      await session.forgot(email.value);
      go("reset", t("codeSent", { email: email.value }));
    },
    reset: async () => {
      await session.reset(email.value, code.value.trim(), password.value);
      go("signIn", t("passwordChanged"));
    },
  };

  const at = step.value;
  const choosing = at === "signUp" || at === "reset";
  return (
    <main class="entry">
      <h1>
        <img src="./icon.svg" alt="" width="56" height="56" />
        {t("app")}
      </h1>
      <h2>{t(titles[at])}</h2>
      <p role="status" class={notice.value ? "notice" : "empty"}>
        {notice.value}
      </p>
      <Form key={at} onSend={send[at]}>
        {(at === "signIn" || at === "signUp" || at === "forgot") && (
          <Field label={t("email")} type="email" autoComplete="username" required value={email.value} onText={(text) => (email.value = text)} />
        )}
        {(at === "confirm" || at === "reset" || at === "totp") && (
          <Field
            label={t(at === "totp" ? "totp" : "code")}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            value={code.value}
            onText={(text) => (code.value = text)}
          />
        )}
        {(at === "signIn" || choosing) && (
          <Field
            label={t(at === "reset" ? "newPassword" : "password")}
            type="password"
            autoComplete={choosing ? "new-password" : "current-password"}
            hint={choosing ? t("passwordRule") : undefined}
            required
            minLength={choosing ? 8 : undefined}
            value={password.value}
            onText={(text) => (password.value = text)}
          />
        )}
        <button class="primary">{t(titles[at])}</button>
      </Form>
      {at === "signIn" && (
        <p class="links">
          <button type="button" onClick={() => go("signUp")}>
            {t("signUp")}
          </button>
          <button type="button" onClick={() => go("forgot")}>
            {t("forgot")}
          </button>
          <button type="button" onClick={() => void session.signInHosted()}>
            {t("hosted")}
          </button>
        </p>
      )}
      {at === "confirm" && (
        <p class="links">
          <button type="button" onClick={() => void session.resend(email.value)}>
            {t("resend")}
          </button>
        </p>
      )}
      {at !== "signIn" && (
        <p class="links">
          <button type="button" onClick={() => go("signIn")}>
            {t("back")}
          </button>
        </p>
      )}
      <LanguageChoice />
    </main>
  );
}
