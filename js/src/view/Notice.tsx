import { useView } from "./context.ts";

/** A sentence from the kernel, until it is dismissed. */
export function NoticeBar() {
  const { source } = useView().store;
  const notice = source.notice.value;
  if (notice === null) return null;
  return (
    <div class={`nnv-notice nnv-is-${notice.level}`} role={notice.level === "error" ? "alert" : "status"}>
      <span>{notice.text}</span>
      <button type="button" class="nnv-plain" aria-label="dismiss" onClick={() => source.dismissNotice()}>
        {"\u00d7"}
      </button>
    </div>
  );
}

/** Whether anyone is at the other end. Nothing to say while there is. */
export function Connection() {
  const { source } = useView().store;
  const connection = source.connection.value;
  switch (connection) {
    case "live":
      return null;
    case "connecting":
      return (
        <div class="nnv-notice" role="status">
          {source.waiting.value ? "Waiting for the running cell\u2026" : "Connecting to the kernel\u2026"}
        </div>
      );
    case "gone":
      return (
        <div class="nnv-notice nnv-is-warning" role="alert">
          The kernel is gone. Run the cell again to reconnect.
        </div>
      );
    default:
      return connection satisfies never;
  }
}
