import type { PageTool } from 'lash-web';

import type { Theme, ThemeChoice } from './theme.ts';

/** Tools that need the page, and so run in it instead of in the worker. */
export function pageTools(theme: Theme): readonly PageTool[] {
  return [
    {
      name: 'page_info',
      description:
        'Tells about the page that the user looks at: its title, the size of its window, and its theme.',
      inputSchema: { type: 'object', properties: {}, additionalProperties: false },
      replay: 'safe',
      execute: () => ({
        title: document.title,
        width: window.innerWidth,
        height: window.innerHeight,
        theme: theme.choice,
      }),
    },
    {
      name: 'set_theme',
      description: 'Changes what the page looks like.',
      inputSchema: {
        type: 'object',
        properties: { theme: { enum: ['system', 'light', 'dark'] } },
        required: ['theme'],
        additionalProperties: false,
      },
      replay: 'safe',
      execute: (args) => {
        const { theme: choice } = args as { readonly theme: ThemeChoice };
        theme.set(choice);
        return { theme: choice };
      },
    },
  ];
}
