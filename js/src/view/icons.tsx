/** Symbols, drawn in the text's colour. */

const PATHS = {
  run: "M4 2.5v11l9-5.5z",
  pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
  step: "M3 2.5v11l7-5.5zM11 2.5h2v11h-2z",
  back: "M13 2.5v11l-7-5.5zM3 2.5h2v11H3z",
  epoch: "M1.5 2.5v11l5.5-5.5zM7 2.5v11l5.5-5.5zM12.5 2.5h2v11h-2z",
  stop: "M3.5 3.5h9v9h-9z",
  open: "M3 5.5h10l-5 6z",
  folded: "M5.5 3v10l6-5z",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="nnv-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
