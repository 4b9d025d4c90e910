/** A name that nobody else has. `crypto.randomUUID` is missing where the page is not served over https. */
export function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
}
