import { Icon } from "../view/icons.tsx";
import { type Player, SPEEDS } from "./player.ts";

/** Plays the recorded steps, in place of the buttons that run a session. */
export function Controls({ player }: { player: Player }) {
  const { playing, speed, canPlay } = player;
  if (!canPlay.value) return null;
  return (
    <div class="nnv-buttons">
      <button
        type="button"
        class="nnv-button nnv-primary"
        title={
          playing.value ? "Stay at this step (space)" : "Show the kept steps one after the other (space)"
        }
        onClick={() => player.toggle()}
      >
        <Icon name={playing.value ? "pause" : "run"} />
        {playing.value ? "Pause" : "Play"}
      </button>
      <select
        class="nnv-select"
        aria-label="kept steps a second"
        title="Kept steps a second"
        value={String(speed.value)}
        onChange={(event) => {
          speed.value = Number(event.currentTarget.value);
        }}
      >
        {SPEEDS.map((each) => (
          <option key={each} value={String(each)}>{`${each} /s`}</option>
        ))}
      </select>
    </div>
  );
}
