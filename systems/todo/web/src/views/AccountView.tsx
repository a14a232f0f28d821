import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { type Session, user } from "../session";
import type { Todos } from "../todos";
import { Field, Form, LanguageChoice, Problem, useWork } from "./parts";

export function AccountView({ session, todos }: { session: Session; todos: Todos }) {
  const { busy, problem, run } = useWork();
  const leave = (everywhere: boolean) =>
    run(async () => {
      await session.signOut(everywhere);
      todos.forget();
    });
  return (
    <>
      <p>
        {t("signedInAs")} <strong>{user.value?.email}</strong>
      </p>
      <LanguageChoice />
      <TwoSteps session={session} />
      <Problem text={problem.value} />
      <p class="stack">
        <button type="button" class="primary" disabled={busy.value} onClick={() => void leave(false)}>
          {t("signOut")}
        </button>
        <button type="button" disabled={busy.value} onClick={() => void leave(true)}>
          {t("signOutEverywhere")}
        </button>
      </p>
    </>
  );
}

/** Turning the second step at sign-in on and off. */
function TwoSteps({ session }: { session: Session }) {
  const on = useSignal<boolean | null>(null);
  const key = useSignal<string | null>(null);
  const code = useSignal("");
  const { busy, problem, run } = useWork();
  const look = async () => {
    on.value = await session.usesTotp();
  };
  useEffect(() => void run(look), []);
  return (
    <section aria-labelledby="two-steps">
      <h2 id="two-steps">{t("mfa")}</h2>
      {on.value !== null && <p class="quiet">{t(on.value ? "mfaOn" : "mfaOff")}</p>}
      {on.value && (
        <button
          type="button"
          disabled={busy.value}
          onClick={() =>
            void run(async () => {
              await session.turnTotpOff();
              await look();
            })
          }
        >
          {t("mfaTurnOff")}
        </button>
      )}
      {on.value === false && key.value === null && (
        <button type="button" disabled={busy.value} onClick={() => void run(async () => void (key.value = await session.newTotpKey()))}>
          {t("mfaSetUp")}
        </button>
      )}
      {key.value !== null && (
        <Form
          onSend={async () => {
            await session.turnTotpOn(code.value.trim());
            key.value = null;
            code.value = "";
            await look();
          }}
        >
          <p>{t("mfaSecret")}</p>
          <p>
            <code>{key.value}</code>
          </p>
          <Field label={t("totp")} inputMode="numeric" autoComplete="one-time-code" required value={code.value} onText={(text) => (code.value = text)} />
          <button class="primary">{t("confirm")}</button>
        </Form>
      )}
      <Problem text={problem.value} />
    </section>
  );
}
