import { RuntimeEnvironment, serveRuntime } from 'lash-web/worker';

serveRuntime({
  environment: RuntimeEnvironment.default(),
  providers: {},
  housekeeping: { everyMs: 60_000, keep: { youngerThanMs: 1000 } },
});
