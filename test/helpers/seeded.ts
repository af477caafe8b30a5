import fc from 'fast-check';
import { seed } from './size.ts';

// Every property of a run begins with the seed of the run, which a failure prints.
fc.configureGlobal({ seed });
