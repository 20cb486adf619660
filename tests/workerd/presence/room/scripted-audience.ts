import type { Audience } from '../../../../src/presence/room/room';
import type { MoodCounts } from '../../../../src/presence/session';

/** An audience that has heard whom the test says, and notes what it is told. */
export class ScriptedAudience implements Audience {
  size = 1;
  readonly told: MoodCounts[] = [];
  readonly gone: string[] = [];
  readonly turnedAway: string[] = [];
  readonly heard = new Map<string, number>();

  tell(counts: MoodCounts): void {
    this.told.push({ ...counts });
  }

  heardAt(id: string): number | undefined {
    return this.heard.get(id);
  }

  noted(): void {}

  ended(id: string): void {
    this.gone.push(id);
  }

  refused(id: string): void {
    this.turnedAway.push(id);
  }
}
