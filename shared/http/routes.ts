import type { Route } from './route.ts';
import { answerRoutes } from './routes/answers.ts';
import { groupRoutes } from './routes/groups.ts';
import { imageRoutes } from './routes/images.ts';
import { serviceRoutes } from './routes/service.ts';

const all = (): readonly Route[] => routes;
const table = [...serviceRoutes(all), ...groupRoutes, ...imageRoutes, ...answerRoutes] as const;

/** The table of all routes. The Functions app registers them, and the OpenAPI document describes them. */
export const routes: readonly Route[] = table;

/** Union of the rows of the table with their literal methods, paths and schemas: the source of the client's types. */
export type Operation = (typeof table)[number];
