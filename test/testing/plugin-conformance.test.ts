import { pluginConformance, pluginHostConformance } from 'lash-web/testing';
import { describe, test } from 'vitest';

import { hostContext, inMemory, PLUGINS } from './plugin-contexts.ts';

describe.each(PLUGINS)('%s', (_, subject) => {
  test.each(pluginConformance)('$name', ({ run }) => run({ ...hostContext(inMemory()), ...subject() }));
});

describe('the host of plugins', () => {
  test.each(pluginHostConformance)('$name', ({ run }) => run(hostContext(inMemory())));
});
