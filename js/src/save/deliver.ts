/** Handing something to the person: as a file, or on the clipboard. */

/** Browsers read the data of a download a moment after it began. */
const KEEP_MS = 60_000;

export function saveFile(name: string, blob: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
}

/** Puts a picture on the clipboard. The promise goes in as it is: Safari wants to see it while the click is handled. */
export async function copyPicture(png: Promise<Blob>): Promise<void> {
  if (typeof ClipboardItem === "undefined" || navigator.clipboard?.write === undefined)
    throw new Error(
      "this page may not use the clipboard (it is not served over https): save the PNG instead",
    );
  await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
}
