import { computed, signal } from "@preact/signals";
import type { Session } from "./session";

export interface Todo {
  id: string;
  title: string;
  done: boolean;
  createdAt: string;
  updatedAt: string;
}

type Wanted = Partial<Pick<Todo, "title" | "done">>;
type Change =
  | { kind: "create"; id: string; body: Wanted }
  | { kind: "change"; id: string; body: Wanted }
  | { kind: "delete"; id: string };

export type SyncState = "synced" | "syncing" | "waiting" | "offline";

/** The server's refusal of a change. */
class Refused extends Error {
  constructor(readonly status: number) {
    super(`status ${status}`);
  }
}

const RETRY = 15_000; // milliseconds until the next try after one that failed

/**
 * A user's to-dos: changed on the device at once, kept there, and sent in order when there is a connection.
 *
 * The ids of new to-dos are made here, so that a creation whose answer was lost can be sent again.
 */
export class Todos {
  readonly items = signal<Todo[]>([]);
  readonly queue = signal<Change[]>([]);
  readonly state = signal<SyncState>("syncing");
  readonly refused = signal<string | null>(null);
  readonly open = computed(() => this.items.value.filter((todo) => !todo.done).length);
  private readonly key: string;
  private running: Promise<void> | null = null;
  private timer = 0;
  private readonly online = () => void this.sync();

  constructor(
    private readonly api: string,
    private readonly session: Session,
    sub: string,
  ) {
    this.key = `todos:${sub}`;
    const kept = JSON.parse(localStorage.getItem(this.key) ?? "{}") as { items?: Todo[]; queue?: Change[] };
    this.items.value = kept.items ?? [];
    this.queue.value = kept.queue ?? [];
    addEventListener("online", this.online);
    void this.sync();
  }

  stop(): void {
    removeEventListener("online", this.online);
    clearTimeout(this.timer);
  }

  /** Forget what is kept on the device. */
  forget(): void {
    this.stop();
    localStorage.removeItem(this.key);
  }

  add(title: string): void {
    const now = new Date().toISOString();
    const todo = { id: newId(), title, done: false, createdAt: now, updatedAt: now };
    this.items.value = [todo, ...this.items.value];
    this.enqueue({ kind: "create", id: todo.id, body: { title } });
  }

  change(id: string, body: Wanted): void {
    const now = new Date().toISOString();
    this.items.value = this.items.value.map((todo) => (todo.id === id ? { ...todo, ...body, updatedAt: now } : todo));
    this.enqueue({ kind: "change", id, body });
  }

  remove(id: string): void {
    this.items.value = this.items.value.filter((todo) => todo.id !== id);
    this.enqueue({ kind: "delete", id });
  }

  /** Send what waits, then read the list anew. One run at a time. */
  sync(): Promise<void> {
    this.running ??= this.run().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private enqueue(change: Change): void {
    this.queue.value = [...this.queue.value, change];
    this.keep();
    void this.sync();
  }

  private keep(): void {
    localStorage.setItem(this.key, JSON.stringify({ items: this.items.value, queue: this.queue.value }));
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    this.state.value = "syncing";
    try {
      do {
        for (let next = this.queue.value[0]; next; next = this.queue.value[0]) {
          await this.send(next);
          this.queue.value = this.queue.value.slice(1);
          this.keep();
        }
        const items = await this.list();
        if (!this.queue.value.length) this.items.value = items;
        this.keep();
      } while (this.queue.value.length);
      this.state.value = "synced";
    } catch (error) {
      console.info("sync:", error);
      this.state.value = navigator.onLine ? "waiting" : "offline";
      this.timer = window.setTimeout(() => void this.sync(), RETRY);
    }
  }

  private async send(change: Change): Promise<void> {
    try {
      if (change.kind === "create") {
        await this.request("POST", "/todos", { id: change.id, ...change.body });
      } else if (change.kind === "change") {
        await this.request("PUT", `/todos/${change.id}`, change.body);
      } else {
        await this.request("DELETE", `/todos/${change.id}`);
      }
    } catch (error) {
      // A change that the server will never take must not hold up those behind it. What is gone is gone: 404.
      if (!(error instanceof Refused) || ![400, 404, 413].includes(error.status)) throw error;
      if (error.status !== 404) {
        this.refused.value = this.items.value.find((todo) => todo.id === change.id)?.title ?? change.id;
      }
    }
  }

  private async list(): Promise<Todo[]> {
    const found: Todo[] = [];
    let next: string | undefined;
    do {
      const page = (await this.request("GET", `/todos?limit=200${next ? `&next=${next}` : ""}`)) as {
        todos: Todo[];
        next?: string;
      };
      found.push(...page.todos);
      next = page.next;
    } while (next);
    return found;
  }

  private async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(this.api + path, {
      method,
      headers: { Authorization: await this.session.idToken(), "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) throw new Refused(answer.status);
    return answer.status === 204 ? null : await answer.json();
  }
}

/** Ids that sort by the time of their making, as the server's do. */
function newId(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  const rest = crypto.getRandomValues(new Uint8Array(10));
  return time + Array.from(rest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
