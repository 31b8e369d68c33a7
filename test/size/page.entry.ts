import { connectRuntime, LashError } from 'lash-web';

console.log(connectRuntime, LashError);
