import type { PromptContributionData, PromptTemplateEntry } from '../core/prompt-layer.ts';
import { builtinText } from './builtin-text.ts';
import type { ResolvedPrompt } from './resolve.ts';

/** A piece of a rendered prompt and where it came from, for the trace. */
export interface PromptComponent {
  /**
   * `core_guidance` (a builtin), `guidance.0` (slot and place in it), behind the id of the plugin that it is from
   * (`notes:guidance.1`), or `text.1.2` (section and entry of the template).
   */
  readonly id: string;
  readonly kind: 'text' | 'builtin' | 'contribution';
  readonly text: string;
}

/** A system prompt and its pieces, in the order of the text. */
export interface RenderedPrompt {
  readonly text: string;
  readonly components: readonly PromptComponent[];
}

/** The system prompt of a resolved prompt, where the model can call `tools`. Sections without any text are left out. */
export function renderPrompt(prompt: ResolvedPrompt, tools: readonly string[]): RenderedPrompt {
  const texts: string[] = [];
  const components: PromptComponent[] = [];
  prompt.template.sections.forEach((section, index) => {
    const parts = section.entries.flatMap((entry, place) =>
      renderEntry(entry, `text.${index}.${place}`, prompt, tools),
    );
    if (parts.length === 0) return;
    const title = section.title?.trim() ?? '';
    if (title !== '') texts.push(`## ${title}`);
    for (const part of parts) texts.push(part.text);
    components.push(...parts);
  });
  return { text: texts.join('\n\n'), components };
}

function renderEntry(
  entry: PromptTemplateEntry,
  textId: string,
  prompt: ResolvedPrompt,
  tools: readonly string[],
): readonly PromptComponent[] {
  switch (entry.kind) {
    case 'text':
      return piece(textId, 'text', entry.content);
    case 'builtin':
      return piece(entry.builtin, 'builtin', builtinText(entry.builtin, tools));
    case 'slot':
      return (prompt.slots.get(entry.slot) ?? []).flatMap((contribution, index) =>
        piece(contributionId(contribution, index), 'contribution', contributionText(contribution)),
      );
  }
}

function piece(id: string, kind: PromptComponent['kind'], content: string): readonly PromptComponent[] {
  const text = content.trim();
  return text === '' ? [] : [{ id, kind, text }];
}

function contributionId({ slot, source }: PromptContributionData, index: number): string {
  return source === undefined ? `${slot}.${index}` : `${source}:${slot}.${index}`;
}

function contributionText({ title, content }: PromptContributionData): string {
  return title === undefined ? content : `### ${title}\n\n${content}`;
}
