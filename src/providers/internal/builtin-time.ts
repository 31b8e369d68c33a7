const TIMERS: readonly RegExp[] = [
  /\btimer (?:for |of |to )?(?<count>\d{1,4}) ?(?<unit>s(?:ec(?:ond)?s?)?|min(?:ute)?s?)\b/i,
  /\bwait (?:for )?(?<count>\d{1,4}) ?(?<unit>s(?:ec(?:ond)?s?)?|min(?:ute)?s?)\b/i,
];
const COUNTDOWN =
  /\bcount(?:ing)? ?down\b[^.!?\n]{0,20}?\b(?<count>\d{1,4}) ?(?<unit>s(?:ec(?:ond)?s?)?|min(?:ute)?s?)\b/i;

/** How many seconds a message asks to wait: one number, or none. */
export function secondsIn(text: string): readonly number[] {
  const asked = TIMERS.map((timer) => timer.exec(text)?.groups).find((found) => found !== undefined);
  return secondsAsked(asked);
}

/** How many seconds a message asks to count down in the background: one number, or none. */
export function countdownsIn(text: string): readonly number[] {
  return secondsAsked(COUNTDOWN.exec(text)?.groups);
}

function secondsAsked(asked: Readonly<Record<string, string>> | undefined): readonly number[] {
  if (asked === undefined) return [];
  const { count, unit = '' } = asked;
  return [Number(count) * (unit.toLowerCase().startsWith('m') ? 60 : 1)];
}

/** A number of seconds as a person says it. */
export function timeInWords(seconds: number): string {
  const isMinutes = seconds >= 60 && seconds % 60 === 0;
  const count = isMinutes ? seconds / 60 : seconds;
  return `${count} ${isMinutes ? 'minute' : 'second'}${count === 1 ? '' : 's'}`;
}
