import { defineTool, type Tool } from 'lash-web/worker';
import * as z from 'zod/mini';

/** A tool whose argument may be missing; `ran` gets the arguments of its runs. */
export function weatherTool(ran: string[] = []): Tool {
  return defineTool({
    name: 'weather',
    description: 'The weather in a city.',
    input: z.object({ city: z.optional(z.string()) }),
    execute: ({ city = 'nowhere' }) => {
      ran.push(city);
      return `sunny in ${city}`;
    },
  });
}
