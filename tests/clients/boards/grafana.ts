// Grafana's published types of a dashboard and of the panels that we write, as JSON has them: words in place of enums, and
// what Grafana fills in may be left out. The queries are those of a plugin, whose types are not published.

import type { Dashboard, Panel } from "@grafana/schema";
import type * as barchart from "@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen";
import type * as heatmap from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type * as histogram from "@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Json<T> = T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer Item)[] ? Json<Item>[]
  : T extends object ? { [Key in keyof T]?: Json<T[Key]> }
  : T;

type Config = NonNullable<Panel["fieldConfig"]>;
type Drawn<Kind extends string, Options, Custom = Record<string, never>> =
  & Required<Pick<Json<Omit<Panel, "type" | "options" | "fieldConfig">>, "id" | "title" | "gridPos" | "datasource" | "targets">>
  & Json<Pick<Panel, "description" | "transformations">>
  & {
    type: Kind;
    options: Json<Options>;
    fieldConfig: {
      defaults: Json<Omit<Config["defaults"], "custom">> & { custom: Json<Custom> };
      overrides: Json<Config["overrides"]>;
    };
  };

export type Board = Json<Omit<Dashboard, "panels" | "templating">> & {
  /** What the page of imports reads: not a part of the model. */
  __requires: { type: string; id: string; name: string; version: string }[];
  templating: { list: Json<NonNullable<NonNullable<Dashboard["templating"]>["list"]>> };
  panels: (
    | Drawn<"timeseries", timeseries.Options, timeseries.FieldConfig>
    | Drawn<"stat", stat.Options>
    | Drawn<"table", table.Options, table.FieldConfig>
    | Drawn<"heatmap", heatmap.Options, heatmap.FieldConfig>
    | Drawn<"histogram", histogram.Options, histogram.FieldConfig>
    | Drawn<"barchart", barchart.Options, barchart.FieldConfig>
  )[];
};
