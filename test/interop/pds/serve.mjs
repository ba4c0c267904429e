// A real PDS, configured by PDS_* variables as an operator would, and beside it a real PLC directory
// unless PDS_DID_PLC_URL names one. Run in the directory where this package is installed.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const load = async (name) => {
  const module = await import(pathToFileURL(require.resolve(name)).href);
  return module.default?.default ? { ...module.default, ...module } : { ...module.default, ...module };
};

if (process.env.PDS_DID_PLC_URL === undefined) {
  const { Database, PlcServer } = await load("@did-plc/server");
  const port = Number(process.env.PLC_PORT);
  await PlcServer.create({ db: Database.mock(), port }).start();
  process.env.PDS_DID_PLC_URL = `http://localhost:${port}`;
}

const { PDS, envToCfg, envToSecrets, readEnv } = await load("@atproto/pds");
const environment = readEnv();
const pds = await PDS.create(envToCfg(environment), envToSecrets(environment));
await pds.start();
console.log("listening");
