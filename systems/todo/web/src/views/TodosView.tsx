import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t, type Words } from "../i18n";
import type { Todo, Todos } from "../todos";

const filters = ["all", "open", "done"] as const satisfies (keyof Words)[];
type Filter = (typeof filters)[number];

export function TodosView({ todos }: { todos: Todos }) {
  const title = useSignal("");
  const filter = useSignal<Filter>("all");
  const shown = todos.items.value.filter((todo) => filter.value === "all" || todo.done === (filter.value === "done"));
  return (
    <>
      <form
        class="add"
        onSubmit={(event) => {
          event.preventDefault();
          if (title.value.trim()) todos.add(title.value.trim());
          title.value = "";
        }}
      >
        <input
          aria-label={t("newTodo")}
          placeholder={t("newTodo")}
          maxLength={500}
          value={title.value}
          onInput={(event) => (title.value = event.currentTarget.value)}
        />
        <button class="primary">{t("add")}</button>
      </form>
      <div class="filters" role="group" aria-label={t("todos")}>
        {filters.map((name) => (
          <button key={name} type="button" aria-pressed={filter.value === name} onClick={() => (filter.value = name)}>
            {t(name)}
          </button>
        ))}
        <span class="quiet">{t("left", { count: todos.open.value })}</span>
      </div>
      {todos.refused.value && (
        <p role="alert" class="problem">
          {t("refused", { title: todos.refused.value })}
        </p>
      )}
      {shown.length ? (
        <ul class="list">
          {shown.map((todo) => (
            <Row key={todo.id} todo={todo} todos={todos} />
          ))}
        </ul>
      ) : (
        <p class="quiet centre">{t("nothingYet")}</p>
      )}
      <p role="status" class={`sync ${todos.state.value}`}>
        {todos.state.value === "waiting" ? t("waiting", { count: todos.queue.value.length }) : t(todos.state.value)}
      </p>
    </>
  );
}

function Row({ todo, todos }: { todo: Todo; todos: Todos }) {
  const editing = useSignal<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), [editing.value !== null]);
  if (editing.value !== null) {
    return (
      <li>
        <form
          class="add"
          onSubmit={(event) => {
            event.preventDefault();
            const text = editing.value?.trim();
            if (text && text !== todo.title) todos.change(todo.id, { title: text });
            editing.value = null;
          }}
          onKeyDown={(event) => event.key === "Escape" && (editing.value = null)}
        >
          <input
            ref={input}
            aria-label={t("edit", { title: todo.title })}
            maxLength={500}
            value={editing.value}
            onInput={(event) => (editing.value = event.currentTarget.value)}
          />
          <button class="primary">{t("save")}</button>
        </form>
      </li>
    );
  }
  return (
    <li class={todo.done ? "done" : undefined}>
      <input
        type="checkbox"
        aria-label={t("markDone", { title: todo.title })}
        checked={todo.done}
        onChange={() => todos.change(todo.id, { done: !todo.done })}
      />
      <span class="title">{todo.title}</span>
      <button type="button" class="small" aria-label={t("edit", { title: todo.title })} onClick={() => (editing.value = todo.title)}>
        ✎
      </button>
      <button type="button" class="small" aria-label={t("remove", { title: todo.title })} onClick={() => todos.remove(todo.id)}>
        ✕
      </button>
    </li>
  );
}
