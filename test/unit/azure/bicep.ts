import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Language, Parser, type Node } from 'web-tree-sitter';

/* What the Bicep files say, read from their syntax trees: no compiler can be had from npm. */

export type Resource = { name: string; type: string; version: string; existing: boolean };
export type Module = { name: string; path: string; params: string[] };

export type BicepFile = {
  path: string;
  /** Lines that are not Bicep. */
  errors: number[];
  params: { name: string; isRequired: boolean }[];
  /** Names of variables, resources, modules and loop variables. */
  declared: string[];
  /** Every name that an expression uses. */
  used: Set<string>;
  resources: Resource[];
  modules: Module[];
  outputs: string[];
  /** `module.outputs.x` */
  outputsUsed: { module: string; output: string }[];
  /** The text of each variable. */
  variables: Record<string, string>;
  root: Node;
};

const require = createRequire(import.meta.url);
await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(require.resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')));

export function readBicepFiles(): BicepFile[] {
  return globSync('infra/**/*.bicep')
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
    .map((path) => readBicep(path, readFileSync(path, 'utf8')));
}

export function readBicep(path: string, text: string): BicepFile {
  const tree = parser.parse(text);
  if (tree === null) throw new Error(`${path} cannot be parsed`);
  const root = tree.rootNode;
  const file: BicepFile = {
    path,
    errors: all(root)
      .filter((node) => node.type === 'ERROR' || node.isMissing)
      .map((node) => node.startPosition.row + 1),
    params: [],
    declared: [],
    used: new Set(),
    resources: [],
    modules: [],
    outputs: [],
    outputsUsed: [],
    variables: {},
    root,
  };
  for (const declaration of root.namedChildren) readDeclaration(file, declaration);
  for (const loop of all(root)) readLoop(file, loop);
  return file;
}

function readDeclaration(file: BicepFile, declaration: Node): void {
  const [id, ...rest] = declaration.namedChildren;
  const name = id?.text ?? '';
  switch (declaration.type) {
    case 'parameter_declaration':
      file.params.push({ name, isRequired: rest.length === 1 && !declaration.text.endsWith('?') });
      break;
    case 'variable_declaration':
      file.declared.push(name);
      file.variables[name] = rest.at(-1)?.text ?? '';
      break;
    case 'resource_declaration': {
      file.declared.push(name);
      const [type = '', version = ''] = unquoted(rest[0]).split('@');
      file.resources.push({ name, type, version, existing: / existing = /.test(declaration.text) });
      break;
    }
    case 'module_declaration':
      file.declared.push(name);
      file.modules.push({ name, path: unquoted(rest[0]), params: paramsOf(declaration) });
      break;
    case 'output_declaration':
      file.outputs.push(name);
      break;
    default:
  }
  readExpressions(file, declaration);
}

function readExpressions(file: BicepFile, declaration: Node): void {
  for (const node of all(declaration)) {
    if (node.type === 'identifier' && !isName(node)) file.used.add(node.text);
    const outputs = /^(\w+)!?\.outputs\.(\w+)$/.exec(node.text);
    if (node.type === 'member_expression' && outputs !== null) {
      file.outputsUsed.push({ module: outputs[1] ?? '', output: outputs[2] ?? '' });
    }
  }
}

/** The name that a declaration or property gives, not one that it uses. */
function isName({ parent, id }: Node): boolean {
  if (parent === null || parent.firstNamedChild?.id !== id) return false;
  return /_declaration$|^object_property$/.test(parent.type);
}

function readLoop(file: BicepFile, loop: Node): void {
  if (loop.type !== 'for_statement') return;
  const [first] = loop.namedChildren;
  const variables = first?.type === 'for_loop_parameters' ? first.namedChildren : [first];
  file.declared.push(...variables.map((variable) => variable?.text ?? ''));
}

function paramsOf(module: Node): string[] {
  const params = all(module).find(
    ({ type, firstNamedChild }) => type === 'object_property' && firstNamedChild?.text === 'params',
  );
  return (params?.namedChildren[1]?.namedChildren ?? []).map(
    (property) => property.firstNamedChild?.text ?? '',
  );
}

/** Keys and texts of the object that is called `property` in the resource of that name. */
export function objectIn(file: BicepFile, resource: string, property: string): Record<string, string> {
  const declaration = file.root.namedChildren.find(
    ({ type, firstNamedChild }) => type === 'resource_declaration' && firstNamedChild?.text === resource,
  );
  const found =
    declaration &&
    all(declaration).find(
      ({ type, firstNamedChild }) => type === 'object_property' && firstNamedChild?.text === property,
    );
  const entries = (found?.namedChildren[1]?.namedChildren ?? []).map((entry): [string, string] => [
    entry.firstNamedChild?.text ?? '',
    entry.namedChildren[1]?.text ?? '',
  ]);
  return Object.fromEntries(entries);
}

function unquoted(node: Node | undefined): string {
  return (node?.text ?? '').replaceAll("'", '');
}

function all(node: Node): Node[] {
  return [node, ...node.namedChildren.flatMap((child) => (child === null ? [] : all(child)))];
}
