import type { JsonObject } from '../../core/json.ts';

const NOTE =
  /\b(?:remember|note(?: something)?(?: down)?|keep in mind|don['’]?t forget)\b[,:]?\s+(?<that>that\s+)?(?<fact>.+)$/i;
const OWNED = /\bhave an? (?<key>.+?) (?:called|named) (?<value>.+)$/i;
const FACT = /^(?<key>.+?)(?:\s+(?:(?:is|are) (?:called|named)|is|are|was|were)\s+|\s*[:=]\s*)(?<value>.+)$/i;

const QUESTIONS: readonly RegExp[] = [
  /\bwhat(?:['’]s| is) the name of (?:my|our) (?<key>.+)$/i,
  /\b(?:what|who|where|when)(?:['’]s| is| are| was| were) (?:my|our) (?<key>.+)$/i,
  /\b(?:recall|(?:do|can) you (?:remember|know|recall)) (?:(?:what|who|where|when) )?(?:my|our|the) (?<key>.+)$/i,
];
const ALL_NOTES =
  /\bwhat (?:did i (?:ask|tell) you to (?:remember|note)|do you (?:remember|recall)|have you noted)|\brecall (?:everything|all|what (?:was|is|i|you) noted)\b|\b(?:list|show)(?: me)? (?:my|the|all|your) notes\b/i;

const DELETED = /\b(?:delete|remove|erase) (?:the|my|an?) notes? (?:about|on|of) (?<key>.+)$/i;
const FORGOTTEN =
  /(?<!\b(?:don['’]?t|do not|never) )\bforget (?:about )?(?:(?:what i (?:told you|said|noted) |(?:the|my) notes? )(?:about|on|of) )?(?<key>.+)$/i;

/** What a message asks to note down: a key and a value per sentence. */
export function factsIn(text: string): readonly JsonObject[] {
  return sentencesOf(text).flatMap((sentence) => {
    const { that, fact } = NOTE.exec(sentence)?.groups ?? {};
    if (fact === undefined || DELETED.test(sentence) || isQuestion(fact, that !== undefined)) return [];
    const plain = fact.replace(/[.!?\s]+$/, '');
    const parts = (OWNED.exec(plain) ?? FACT.exec(plain))?.groups;
    if (parts === undefined) return [{ key: 'note', value: plain }];
    return [{ key: keyOf(parts['key'] ?? ''), value: (parts['value'] ?? '').trim() }];
  });
}

/** What a message asks to be reminded of: one key per question, or none for all there is. */
export function remindersIn(text: string): readonly JsonObject[] {
  if (ALL_NOTES.test(text)) return [{}];
  return sentencesOf(text).flatMap((sentence) => {
    const key = keyIn(sentence, QUESTIONS);
    return key === undefined ? [] : [{ key: keyOf(key) }];
  });
}

/** What a message asks to delete of what was noted: one key per sentence. */
export function forgottenIn(text: string): readonly JsonObject[] {
  return sentencesOf(text).flatMap((sentence) => {
    if (factsIn(sentence).length > 0) return [];
    const key = keyIn(sentence, [DELETED, FORGOTTEN]);
    // "Forget it" is about no note.
    return key === undefined || /^(?:it|that|this)$/i.test(key) ? [] : [{ key: keyOf(key) }];
  });
}

/** "Do you remember my cat?" asks; "can you remember that my cat is called Tom?" tells. */
function isQuestion(fact: string, afterThat: boolean): boolean {
  return /^(?:what|who|where|when)\b/i.test(fact) || (!afterThat && fact.trimEnd().endsWith('?'));
}

/** What a sentence speaks of, if it is one of these. */
function keyIn(sentence: string, patterns: readonly RegExp[]): string | undefined {
  const plain = sentence.replace(/[.!?\s]+$/, '');
  return patterns.map((pattern) => pattern.exec(plain)?.groups?.['key']).find((found) => found !== undefined);
}

function sentencesOf(text: string): readonly string[] {
  return text.split(/(?<=[.!?])\s+|\n+/).filter((sentence) => sentence.trim() !== '');
}

/** The thing that is spoken of: "my cat's name", "the name of my cat" and "my cat is called" are all about `cat`. */
function keyOf(words: string): string {
  const key = words
    .trim()
    .toLowerCase()
    .replace(/^(?:my|our|your|the|an?) /, '')
    .replace(/^name of (?:(?:my|our|the) )?/, '')
    .replace(/(?: is| are)?(?: called| named| again)+$/, '')
    .replace(/ (?:is|are)$/, '')
    .replace(/['’]s name$/, '')
    .trim();
  return key === '' ? 'note' : key;
}
