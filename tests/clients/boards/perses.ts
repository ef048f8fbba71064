// Perses' published types of a dashboard and of the options of the plugins that we write.

import type { DashboardResource, DashboardSpec, PanelDefinition, PanelSpec } from "@perses-dev/core";
import type { BarChartOptions } from "@perses-dev/bar-chart-plugin/lib/bar-chart-model";
import type { HeatMapChartOptions } from "@perses-dev/heatmap-chart-plugin/lib/heat-map-chart-model";
import type { HistogramChartOptions } from "@perses-dev/histogram-chart-plugin/lib/histogram-chart-model";
import type { StatChartOptions } from "@perses-dev/stat-chart-plugin/lib/stat-chart-model";
import type { TableOptions } from "@perses-dev/table-plugin/lib/table-model";
import type { TimeSeriesChartOptions } from "@perses-dev/timeseries-chart-plugin/lib/time-series-chart-model";

type Drawn<Kind extends string, Options> = { kind: Kind; spec: Options };
type Plugin =
  | Drawn<"TimeSeriesChart", TimeSeriesChartOptions>
  | Drawn<"StatChart", StatChartOptions>
  | Drawn<"Table", TableOptions>
  | Drawn<"HeatMapChart", HeatMapChartOptions>
  | Drawn<"HistogramChart", HistogramChartOptions>
  | Drawn<"BarChart", BarChartOptions>;
type Panel = Omit<PanelDefinition, "spec"> & { spec: Omit<PanelSpec, "plugin"> & { plugin: Plugin } };

export type Board = Omit<DashboardResource, "spec"> & { spec: Omit<DashboardSpec, "panels"> & { panels: Record<string, Panel> } };
