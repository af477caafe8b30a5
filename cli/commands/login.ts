import type { Context } from '../context.ts';
import { UsageError } from '../exit.ts';
import { readSecret } from '../terminal/ask.ts';
import { connect } from '../where/connect.ts';
import { readDeployments, writeDeployments, type Deployment } from '../where/deployments.ts';
import { parseUrl } from '../where/target.ts';

export type LoginOptions = { url: string; scope?: string; storageUrl?: string };

const plainName = /^[\w.-]{1,64}$/;

/** Remembers a deployment once it has answered with the key or the sign-in. */
export async function login(
  { output, program }: Context,
  name: string,
  options: LoginOptions,
): Promise<void> {
  if (!plainName.test(name)) throw new UsageError('a name is letters, digits, dots, - and _');
  const { scope, storageUrl } = options;
  const url = parseUrl(options.url);
  const key =
    scope === undefined ? await readSecret(output, `Key of ${url} (empty where it asks for none): `) : '';
  const deployment: Deployment = {
    url,
    ...(key !== '' && { key }),
    ...(scope !== undefined && { scope }),
    ...(storageUrl !== undefined && { storageUrl: parseUrl(storageUrl) }),
  };
  await connect({ name, ...deployment }).call('GET groups', { query: { top: 1 } });
  const { deployments } = await readDeployments(process.env);
  const file = await writeDeployments(process.env, {
    last: name,
    deployments: { ...deployments, [name]: deployment },
  });
  output.item({ name, url, file });
  output.print(
    `Logged in. ${name} is meant from now on where nothing else is said; it is remembered in ${file}`,
  );
  output.note(`${program} logout ${name} forgets it.`);
}

export async function logout({ output }: Context, name: string): Promise<void> {
  const { last, deployments } = await readDeployments(process.env);
  if (!Object.hasOwn(deployments, name)) throw new UsageError(`no deployment is called ${name}`);
  const { [name]: _forgotten, ...others } = deployments;
  await writeDeployments(process.env, {
    deployments: others,
    ...(last !== undefined && last !== name && { last }),
  });
  output.print(`${name} is forgotten.`);
}
