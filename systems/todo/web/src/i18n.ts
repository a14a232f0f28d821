import { signal } from "@preact/signals";

const en = {
  app: "To-do",
  todos: "To-dos",
  files: "Files",
  account: "Account",
  signIn: "Sign in",
  signUp: "Create account",
  signOut: "Sign out",
  signOutEverywhere: "Sign out on all devices",
  hosted: "Sign in on the hosted page",
  email: "E-mail",
  password: "Password",
  newPassword: "New password",
  code: "Code from the e-mail",
  totp: "Code from the authenticator app",
  confirm: "Confirm",
  resend: "Send another code",
  forgot: "Forgot the password?",
  reset: "Set new password",
  back: "Back to sign-in",
  passwordRule: "At least 8 characters, with upper and lower case letters and a number.",
  codeSent: "We have sent a code to {email}.",
  confirmed: "Your account is confirmed. You can sign in now.",
  passwordChanged: "Your password is changed. You can sign in now.",
  newTodo: "What is to be done?",
  add: "Add",
  all: "All",
  open: "Open",
  done: "Done",
  edit: "Edit “{title}”",
  save: "Save",
  cancel: "Cancel",
  remove: "Delete “{title}”",
  markDone: "Mark “{title}” as done",
  nothingYet: "Nothing here yet.",
  left: "{count} open",
  offline: "Offline. Changes are kept and sent later.",
  waiting: "{count} changes to be sent",
  synced: "Everything is saved",
  syncing: "Saving …",
  upload: "Upload files",
  uploading: "Uploading {name}",
  noFiles: "No files yet. Only you can see what you upload.",
  preview: "Show {name}",
  close: "Close",
  filesOffline: "Files need a connection.",
  language: "Language",
  signedInAs: "Signed in as",
  mfa: "Two-step sign-in",
  mfaOff: "Off. Use an authenticator app for a second step at sign-in.",
  mfaOn: "On. Sign-in asks for a code of your authenticator app.",
  mfaSetUp: "Set up",
  mfaTurnOff: "Turn off",
  mfaSecret: "Enter this key in your authenticator app, then the code it shows:",
  loading: "Loading …",
  failed: "That did not work: {reason}",
  sessionOver: "Please sign in again.",
  refused: "The change to “{title}” was refused and is undone.",
};

export type Words = typeof en;

const vi: Words = {
  app: "Việc cần làm",
  todos: "Việc",
  files: "Tệp",
  account: "Tài khoản",
  signIn: "Đăng nhập",
  signUp: "Tạo tài khoản",
  signOut: "Đăng xuất",
  signOutEverywhere: "Đăng xuất khỏi mọi thiết bị",
  hosted: "Đăng nhập trên trang chung",
  email: "E-mail",
  password: "Mật khẩu",
  newPassword: "Mật khẩu mới",
  code: "Mã trong e-mail",
  totp: "Mã trong ứng dụng xác thực",
  confirm: "Xác nhận",
  resend: "Gửi lại mã",
  forgot: "Quên mật khẩu?",
  reset: "Đặt mật khẩu mới",
  back: "Quay lại đăng nhập",
  passwordRule: "Ít nhất 8 ký tự, có chữ hoa, chữ thường và số.",
  codeSent: "Chúng tôi đã gửi mã đến {email}.",
  confirmed: "Tài khoản đã được xác nhận. Bạn có thể đăng nhập.",
  passwordChanged: "Mật khẩu đã được đổi. Bạn có thể đăng nhập.",
  newTodo: "Bạn cần làm gì?",
  add: "Thêm",
  all: "Tất cả",
  open: "Chưa xong",
  done: "Đã xong",
  edit: "Sửa “{title}”",
  save: "Lưu",
  cancel: "Hủy",
  remove: "Xóa “{title}”",
  markDone: "Đánh dấu “{title}” đã xong",
  nothingYet: "Chưa có gì ở đây.",
  left: "còn {count} việc",
  offline: "Không có mạng. Thay đổi được giữ lại và gửi sau.",
  waiting: "{count} thay đổi chờ gửi",
  synced: "Đã lưu tất cả",
  syncing: "Đang lưu …",
  upload: "Tải tệp lên",
  uploading: "Đang tải {name}",
  noFiles: "Chưa có tệp. Chỉ bạn xem được những gì bạn tải lên.",
  preview: "Xem {name}",
  close: "Đóng",
  filesOffline: "Cần có mạng để xem tệp.",
  language: "Ngôn ngữ",
  signedInAs: "Đang đăng nhập:",
  mfa: "Đăng nhập hai bước",
  mfaOff: "Đang tắt. Dùng ứng dụng xác thực cho bước thứ hai.",
  mfaOn: "Đang bật. Khi đăng nhập cần mã của ứng dụng xác thực.",
  mfaSetUp: "Thiết lập",
  mfaTurnOff: "Tắt",
  mfaSecret: "Nhập khóa này vào ứng dụng xác thực, rồi nhập mã mà nó hiện ra:",
  loading: "Đang tải …",
  failed: "Không thực hiện được: {reason}",
  sessionOver: "Vui lòng đăng nhập lại.",
  refused: "Thay đổi “{title}” bị từ chối và đã được hoàn lại.",
};

export const languages = { en: "English", vi: "Tiếng Việt" } as const;
export type Language = keyof typeof languages;

const words: Record<Language, Words> = { en, vi };
const KEY = "language";

function initial(): Language {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "en" || chosen === "vi") return chosen;
  return navigator.language.startsWith("vi") ? "vi" : "en";
}

export const language = signal<Language>(initial());

language.subscribe((chosen) => {
  document.documentElement.lang = chosen;
  document.title = words[chosen].app;
});

export function choose(chosen: Language): void {
  localStorage.setItem(KEY, chosen);
  language.value = chosen;
}

/** The words for `key` in the chosen language, with `{name}`s filled in. */
export function t(key: keyof Words, values: Record<string, string | number> = {}): string {
  return words[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
