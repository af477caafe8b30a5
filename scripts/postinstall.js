/*
 * Says after an installation which Node runs the scripts: the one in node_modules, where npm has one for the machine,
 * or else the machine's own. npm itself warns of packages that are too new for the Node that runs npm.
 */
try {
  await import('../shared/config/supportedNode.js');
  const ofNpm = /\bnode\/v(\S+)/.exec(process.env.npm_config_user_agent ?? '')?.[1];
  if (ofNpm !== process.versions.node)
    console.log(
      `npm runs on Node ${ofNpm}, Rollcall's scripts run on the Node ${process.versions.node} in node_modules: ` +
        'EBADENGINE warnings mean the former and can be ignored.',
    );
} catch (error) {
  console.error(`${error.message} None is served for ${process.platform} on ${process.arch}: install one.`);
  process.exit(1);
}
