import { RuntimeEnvironment, serveRuntime } from 'lash-web/worker';

import { fakeModel } from './fake-model.ts';

// Messages that come before the end of this wait are lost: no one listens, and the port is open.
await new Promise((resolve) => setTimeout(resolve, 300));
serveRuntime({ environment: RuntimeEnvironment.default(), providers: { fake: fakeModel } });
