import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Files, StoredFile } from "../files";
import { language, t } from "../i18n";
import { Problem, useWork } from "./parts";

export function FilesView({ files }: { files: Files }) {
  const stored = useSignal<StoredFile[] | null>(null);
  const sending = useSignal<{ name: string; part: number } | null>(null);
  const shown = useSignal<{ name: string; url: string } | null>(null);
  const { busy, problem, run } = useWork();

  const refresh = async () => {
    stored.value = await files.list();
  };
  useEffect(() => void run(refresh), []);

  async function upload(chosen: File[]): Promise<void> {
    try {
      for (const file of chosen) {
        sending.value = { name: file.name, part: 0 };
        await files.upload(file, (part) => (sending.value = { name: file.name, part }));
      }
    } finally {
      sending.value = null;
      await refresh();
    }
  }

  return (
    <>
      <label class="upload primary">
        {t("upload")}
        <input
          type="file"
          multiple
          disabled={busy.value}
          onChange={(event) => {
            const chosen = [...(event.currentTarget.files ?? [])];
            event.currentTarget.value = "";
            void run(() => upload(chosen));
          }}
        />
      </label>
      {sending.value && (
        <p class="field">
          <label for="sending">{t("uploading", { name: sending.value.name })}</label>
          <progress id="sending" value={sending.value.part} />
        </p>
      )}
      <Problem text={problem.value && !navigator.onLine ? t("filesOffline") : problem.value} />
      {stored.value === null && busy.value && <p class="quiet centre">{t("loading")}</p>}
      {stored.value?.length === 0 && <p class="quiet centre">{t("noFiles")}</p>}
      <ul class="list">
        {stored.value?.map((file) => (
          <li key={file.key}>
            <button
              type="button"
              class="title"
              aria-label={t("preview", { name: file.name })}
              onClick={() => void run(async () => void (shown.value = { name: file.name, url: await files.link(file.key) }))}
            >
              {file.name}
              <small class="quiet">
                {size(file.size)} · {file.modified.toLocaleString(language.value)}
              </small>
            </button>
            <button
              type="button"
              class="small"
              aria-label={t("remove", { title: file.name })}
              onClick={() =>
                void run(async () => {
                  await files.remove(file.key);
                  await refresh();
                })
              }
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
      {shown.value && <Preview {...shown.value} onClose={() => (shown.value = null)} />}
    </>
  );
}

function Preview({ name, url, onClose }: { name: string; url: string; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const image = /\.(png|jpe?g|gif|webp|avif|svg)$/i.test(name);
  return (
    <dialog ref={dialog} aria-label={name} onClose={onClose}>
      {image ? (
        <img src={url} alt={name} />
      ) : (
        <p>
          <a href={url} target="_blank" rel="noreferrer">
            {name}
          </a>
        </p>
      )}
      <form method="dialog">
        <button class="primary">{t("close")}</button>
      </form>
    </dialog>
  );
}

function size(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const step = bytes ? Math.min(Math.floor(Math.log10(bytes) / 3), 3) : 0;
  const shown = new Intl.NumberFormat(language.value, { style: "unit", unit: units[step], maximumFractionDigits: 1 });
  return shown.format(bytes / 1000 ** step);
}
