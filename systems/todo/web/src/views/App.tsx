import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Files } from "../files";
import { t, type Words } from "../i18n";
import { type Session, user } from "../session";
import { Todos } from "../todos";
import { AccountView } from "./AccountView";
import { FilesView } from "./FilesView";
import { SignInView } from "./SignInView";
import { TodosView } from "./TodosView";

interface Props {
  api: string;
  session: Session;
  files: Files;
}

const tabs = ["todos", "files", "account"] as const satisfies (keyof Words)[];
type Tab = (typeof tabs)[number];

export function App(props: Props) {
  if (user.value === undefined) return <p class="quiet centre">{t("loading")}</p>;
  if (user.value === null) return <SignInView session={props.session} />;
  return <SignedIn key={user.value.sub} sub={user.value.sub} {...props} />;
}

function SignedIn({ sub, api, session, files }: Props & { sub: string }) {
  const tab = useSignal<Tab>("todos");
  const todos = useMemo(() => new Todos(api, session, sub), [sub]);
  useEffect(() => () => todos.stop(), [todos]);
  return (
    <>
      <header>
        <h1>{t(tab.value)}</h1>
      </header>
      <main>
        {tab.value === "todos" && <TodosView todos={todos} />}
        {tab.value === "files" && <FilesView files={files} />}
        {tab.value === "account" && <AccountView session={session} todos={todos} />}
      </main>
      <nav aria-label={t("app")}>
        {tabs.map((name) => (
          <button
            key={name}
            type="button"
            aria-current={tab.value === name ? "page" : undefined}
            onClick={() => (tab.value = name)}
          >
            <Icon name={name} />
            {t(name)}
          </button>
        ))}
      </nav>
    </>
  );
}

const drawings: Record<Tab, string> = {
  todos: "M4 12l5 5L20 6",
  files: "M13 3H6v18h12V8zM13 3v5h5",
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-5 4-7 8-7s8 2 8 7",
};

function Icon({ name }: { name: Tab }) {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d={drawings[name]} fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
