import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { freePort } from '../support/free-port.ts';
import { Demo } from './demo.ts';
import { expect, test } from './fixtures.ts';

test('`npm start` serves the demo from its sources, and flags pass through', async ({ page }) => {
  const port = String(await freePort());
  // A group of its own, since npm starts the server as a child.
  const npm = spawn('npm', ['start', '--', '--port', port, '--strictPort'], {
    detached: true,
    stdio: 'ignore',
  });
  const ended = once(npm, 'exit');
  try {
    const demo = new Demo(page, `e2e-${crypto.randomUUID()}`, `http://127.0.0.1:${port}`);
    await expect(() => demo.visit()).toPass();
    await expect(demo.status).toHaveText('ready');
    await demo.say('Calculate 6 * 7');
    await expect(demo.tool('calculator')).toHaveAttribute('data-state', 'success');
  } finally {
    if (npm.pid !== undefined) process.kill(-npm.pid);
    await ended;
  }
});
