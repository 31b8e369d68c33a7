import { providerConformance } from 'lash-web/testing';
import { describe, test } from 'vitest';

import { PROVIDERS } from './provider-contexts.ts';

describe.each(PROVIDERS)('%s', (_, context) => {
  test.each(providerConformance)('$name', ({ run }) => run(context()));
});
