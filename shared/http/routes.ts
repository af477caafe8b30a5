import type { Route } from './route.ts';
import { answerRoutes } from './routes/answers.ts';
import { groupRoutes } from './routes/groups.ts';
import { pictureRoutes } from './routes/pictures.ts';
import { serviceRoutes } from './routes/service.ts';

const all = (): readonly Route[] => routes;
const table = [...serviceRoutes(all), ...groupRoutes, ...pictureRoutes, ...answerRoutes] as const;

/** The one table of routes: the Functions app registers it, the OpenAPI document describes it. */
export const routes: readonly Route[] = table;

/** A row of the table with its own method, path and schemas; clients take their types from it. */
export type Operation = (typeof table)[number];
