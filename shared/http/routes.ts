import type { Route } from './route.ts';
import { answerRoutes } from './routes/answers.ts';
import { groupRoutes } from './routes/groups.ts';
import { pictureRoutes } from './routes/pictures.ts';
import { serviceRoutes } from './routes/service.ts';

/** The one table of routes: the Functions app registers it, the OpenAPI document describes it. */
export const routes: readonly Route[] = [
  ...serviceRoutes(() => routes),
  ...groupRoutes,
  ...pictureRoutes,
  ...answerRoutes,
];
