import type * as v from 'valibot';
import type { forecastSchema, whySchema } from './forecast-schema.ts';
import type { planSchema } from './plan-schema.ts';
import type { recordSchema } from './schema.ts';

/** The record of one run; `schema.ts` says what each field means. Sizes are bytes. */
export type BuildRecord = v.InferOutput<typeof recordSchema>;

/** What was done for one layer. */
export type LayerRecord = BuildRecord['layers'][number];

/** A span of the run as a whole. */
export type PhaseRecord = BuildRecord['phases'][number];

/** Something that took time. */
export type Span = BuildRecord['spans'][number];

/** A derivation that was built, or begun. */
export type BuiltDerivation = LayerRecord['builtDerivations'][number];

/** What a run was held to. */
export type LimitRecord = NonNullable<BuildRecord['limits']>[number];

/** A package of a layer. */
export type LayerPackage = NonNullable<LayerRecord['packages']>[number];

/** An input of the flake, as its lock file names it. */
export type FlakeInput = NonNullable<BuildRecord['inputs']>[number];

/** What caches gave and took. */
export type CachesRecord = NonNullable<BuildRecord['caches']>;

/** What came from a substituter. */
export type SubstituterRecord = CachesRecord['substituters'][number];

/** What a cache that is pushed to has taken. */
export type PushRecord = CachesRecord['pushes'][number];

/** What GitHub's cache had for a target that was missing. */
export type RestoredRecord = CachesRecord['github'][number];

/** What a run is expected to do, in numbers; `forecast-schema.ts` says what each field means. */
export type Forecast = v.InferOutput<typeof forecastSchema>;

/** A number of bytes that is not quite known. */
export type ForecastBytes = Forecast['send'];

/** What runs would do. */
export type PlanRecord = v.InferOutput<typeof planSchema>;

/** What a run would do for one image. */
export type ImagePlan = PlanRecord['images'][number];

/** What would be done for one layer. */
export type PlannedLayer = ImagePlan['layers'][number];

/** Why layers are made anew. */
export type WhyRecord = v.InferOutput<typeof whySchema>;
