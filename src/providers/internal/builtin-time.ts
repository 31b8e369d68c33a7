const TIMERS: readonly RegExp[] = [
  /\btimer (?:for |of |to )?(?<count>\d{1,4}) ?(?<unit>s(?:ec(?:ond)?s?)?|min(?:ute)?s?)\b/i,
  /\bwait (?:for )?(?<count>\d{1,4}) ?(?<unit>s(?:ec(?:ond)?s?)?|min(?:ute)?s?)\b/i,
];

/** How many seconds a message asks to wait: one number, or none. */
export function secondsIn(text: string): readonly number[] {
  const asked = TIMERS.map((timer) => timer.exec(text)?.groups).find((found) => found !== undefined);
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
