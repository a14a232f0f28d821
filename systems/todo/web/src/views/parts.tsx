import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import { choose, language, languages, type Language, t } from "../i18n";

interface FieldProps extends Omit<JSX.IntrinsicElements["input"], "label" | "onInput"> {
  label: string;
  hint?: string;
  onText: (text: string) => void;
}

/** An input with its label and, below it, a hint that screen readers read too. */
export function Field({ label, hint, onText, ...input }: FieldProps) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onText(event.currentTarget.value)}
        {...input}
      />
      {hint && (
        <small id={`${id}-hint`} class="quiet">
          {hint}
        </small>
      )}
    </p>
  );
}

/** A form that shows what went wrong, and is busy while its work goes on. */
export function Form({ onSend, children }: { onSend: () => Promise<void>; children: ComponentChildren }) {
  const { busy, problem, run } = useWork();
  return (
    <form
      aria-busy={busy.value}
      onSubmit={(event) => {
        event.preventDefault();
        void run(onSend);
      }}
    >
      <fieldset disabled={busy.value}>{children}</fieldset>
      <Problem text={problem.value} />
    </form>
  );
}

export function Problem({ text }: { text: string | null }) {
  return (
    <p role="alert" class={text ? "problem" : "empty"}>
      {text}
    </p>
  );
}

/** Runs work one at a time and keeps the words of its failure. */
export function useWork() {
  const busy = useSignal(false);
  const problem = useSignal<string | null>(null);
  async function run(work: () => Promise<void>): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      await work();
    } catch (error) {
      problem.value = t("failed", { reason: error instanceof Error ? error.message : String(error) });
    } finally {
      busy.value = false;
    }
  }
  return { busy, problem, run };
}

export function LanguageChoice() {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{t("language")}</label>
      <select id={id} value={language.value} onChange={(event) => choose(event.currentTarget.value as Language)}>
        {Object.entries(languages).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </p>
  );
}
