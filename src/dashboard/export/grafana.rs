//! A board as Grafana imports it: the classic JSON model. Its panels ask `POST /api/v1/query` through the data source
//! "Infinity"; the filters are text variables.

use serde_json::{Value, json};

use crate::dashboard::{Column, Dashboard, Display, Gap, Kind, PARAMS, Panel, Scale, Unit};
use crate::query::{NamedQuery, ParamType};

use super::flow::{Place, places};

/// The version of the model that this is written in.
const SCHEMA_VERSION: u32 = 39;
/// The data source's plugin.
const INFINITY: &str = "yesoreyeram-infinity-datasource";
/// What our variables' names begin with, so that none is taken for a parameter in SQL.
const PREFIX: &str = "fm_";

/// The board as JSON.
#[must_use]
pub fn write(board: &Dashboard, queries: &[NamedQuery]) -> Value {
    let placed = board.panels.iter().zip(places(&board.panels)).enumerate();
    let panels = placed.map(|(number, (shown, place))| {
        let query = queries.iter().find(|query| *query.name == *shown.query);
        panel(number + 1, shown, place, query)
    });
    json!({
        "__requires": [
            {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "11.0.0"},
            {"type": "datasource", "id": INFINITY, "name": "Infinity", "version": "2.0.0"},
        ],
        "id": null,
        "uid": format!("faremeter-{}", board.name),
        "title": board.title,
        "description": board.about,
        "tags": ["faremeter"],
        "timezone": "utc",
        "editable": true,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "refresh": "",
        "time": {"from": "now-24h", "to": "now"},
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": variables(board)},
        "panels": panels.collect::<Vec<_>>(),
    })
}

/// The data source, the server, the step, a text for each filter, and the board's own.
fn variables(board: &Dashboard) -> Vec<Value> {
    let text = |name: &str, label: &str, value: &str| {
        let shown = json!({"text": value, "value": value, "selected": true});
        json!({
            "name": format!("{PREFIX}{name}"), "label": label, "type": "textbox", "hide": 0, "query": value,
            "current": shown, "options": [shown],
        })
    };
    let steps = [("1m", "60"), ("5m", "300"), ("15m", "900"), ("1h", "3600"), ("6h", "21600"), ("1d", "86400")];
    let step = |(shown, value): &(&str, &str)| json!({"text": shown, "value": value, "selected": *shown == "15m"});
    let options: Vec<Value> = steps.iter().map(step).collect();
    let mut list = vec![
        json!({
            "name": format!("{PREFIX}datasource"), "label": "Data source", "type": "datasource", "query": INFINITY,
            "hide": 0, "regex": "", "refresh": 1, "multi": false, "includeAll": false, "current": {}, "options": [],
        }),
        text("server", "Server", "http://127.0.0.1:8080"),
        json!({
            "name": format!("{PREFIX}step"), "label": "Step", "type": "custom", "hide": 0, "multi": false,
            "includeAll": false, "query": steps.map(|(shown, value)| format!("{shown} : {value}")).join(", "),
            "current": options[2], "options": options,
        }),
    ];
    let filters = PARAMS.iter().filter(|(_, kind)| *kind == ParamType::Text);
    list.extend(filters.map(|(name, _)| text(name, &name.replace('_', " "), "")));
    list.extend(board.variables.iter().map(|variable| {
        if variable.options.is_empty() {
            return text(&variable.name, &variable.title, &variable.default);
        }
        let option = |value: &String| json!({"text": value, "value": value, "selected": *value == variable.default});
        json!({
            "name": format!("{PREFIX}{}", variable.name), "label": variable.title, "type": "custom", "hide": 0, "multi": false,
            "includeAll": false, "query": variable.options.join(", "),
            "current": {"text": variable.default, "value": variable.default}, "options": variable.options.iter().map(option).collect::<Vec<_>>(),
        })
    }));
    list
}

fn panel(id: usize, panel: &Panel, place: Place, query: Option<&NamedQuery>) -> Value {
    let datasource = json!({"type": INFINITY, "uid": format!("${{{PREFIX}datasource}}")});
    let by_series = query.is_some_and(|query| query.columns.iter().any(|column| column.name == "series"));
    let overrides: Vec<Value> = panel.columns.iter().filter_map(|column| override_of(panel, column)).collect();
    json!({
        "id": id,
        "type": kind(panel.kind),
        "title": panel.title,
        "description": panel.about,
        "gridPos": {"x": place.x, "y": place.y, "w": place.w, "h": place.h},
        "datasource": datasource,
        "targets": query.map(|query| target(panel, query, &datasource)).into_iter().collect::<Vec<_>>(),
        "transformations": transformations(panel.kind, by_series),
        "fieldConfig": {
            "defaults": {
                "unit": unit(panel.unit),
                "thresholds": {"mode": "absolute", "steps": steps(panel)},
                "custom": custom(panel),
            },
            "overrides": overrides,
        },
        "options": options(panel),
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::TimeSeriesChart => "timeseries",
        Kind::StatChart => "stat",
        Kind::Table => "table",
        Kind::HeatMapChart => "heatmap",
        Kind::HistogramChart => "histogram",
        Kind::BarChart => "barchart",
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::None => "none",
        Unit::Count => "short",
        Unit::Share => "percentunit",
        Unit::Nanoseconds => "ns",
        Unit::Milliseconds => "ms",
        Unit::Bytes => "bytes",
        Unit::Megabytes => "mbytes",
        Unit::Money | Unit::Price => "currencyUSD",
        Unit::PerSecond => "cps",
        Unit::Time => "dateTimeAsIso",
        Unit::Text => "string",
    }
}

/// What the data source sends: the statement and its parameters, filled in by Grafana.
fn target(panel: &Panel, query: &NamedQuery, datasource: &Value) -> Value {
    let params = query.params.iter().filter_map(|param| {
        let name = &param.name;
        let (_, kind) = PARAMS.iter().find(|(known, _)| known == name)?;
        let value = match kind {
            ParamType::Timestamp => format!("\"${{__{name}:date:iso}}\""),
            ParamType::Int => format!("${{{PREFIX}{name}}}"),
            _ => format!("${{{PREFIX}{name}:json}}"),
        };
        Some(format!("{}:{value}", Value::from(name.as_str())))
    });
    let params: Vec<String> = params.collect();
    let body = format!("{{\"sql\":{},\"params\":{{{}}}}}", Value::from(filters_or_null(&query.sql)), params.join(","));
    let columns: Vec<Value> =
        query.columns.iter().map(|column| selected(panel.kind, &column.name, &column.doc)).collect();
    json!({
        "refId": "A",
        "datasource": datasource,
        "type": "json",
        "source": "url",
        "parser": "backend",
        "format": "table",
        "url": format!("${{{PREFIX}server}}/api/v1/query"),
        "url_options": {
            "method": "POST",
            "data": body,
            "body_type": "raw",
            "body_content_type": "application/json",
            "headers": [{"key": "accept", "value": "application/json"}],
            "params": [],
        },
        "root_selector": "rows",
        "columns": columns,
        "filters": [],
    })
}

/// Text variables are empty where a filter is not set, and the statements want null.
fn filters_or_null(sql: &str) -> String {
    let mut written = String::with_capacity(sql.len());
    for line in sql.split_inclusive('\n') {
        let mut rest = line;
        while let Some(at) = rest.find('$').filter(|_| !line.trim_start().starts_with("--")) {
            let (before, from) = rest.split_at(at);
            let length = from[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(from.len(), |end| end + 1);
            let (name, after) = from.split_at(length);
            let is_filter = PARAMS.iter().any(|(known, kind)| *kind == ParamType::Text && *known == &name[1..]);
            written += before;
            written += &if is_filter { format!("nullif({name}, '')") } else { name.to_owned() };
            rest = after;
        }
        written += rest;
    }
    written
}

/// A column as the data source reads it. A histogram's bounds have names of their own there.
fn selected(kind: Kind, name: &str, doc: &str) -> Value {
    let number = ["bigint", "int", "double", "decimal", "smallint", "float"];
    let word = doc.split([',', ' ', '(']).next().unwrap_or_default();
    let read = match word {
        "timestamp" => "timestamp",
        word if number.contains(&word) => "number",
        "boolean" => "boolean",
        _ => "string",
    };
    let shown = match (kind, name) {
        (Kind::HistogramChart, "low") => "xMin",
        (Kind::HistogramChart, "high") => "xMax",
        _ => name,
    };
    json!({"selector": name, "text": shown, "type": read})
}

fn transformations(kind: Kind, by_series: bool) -> Value {
    match kind {
        Kind::TimeSeriesChart if by_series => json!([{"id": "prepareTimeSeries", "options": {"format": "multi"}}]),
        Kind::HeatMapChart => json!([
            {"id": "groupingToMatrix", "options": {"columnField": "low", "rowField": "bucket", "valueField": "count"}},
            {"id": "convertFieldType", "options": {
                "conversions": [{"targetField": "bucket\\low", "destinationType": "time"}], "fields": {},
            }},
        ]),
        _ => json!([]),
    }
}

fn steps(panel: &Panel) -> Vec<Value> {
    let mut steps = vec![json!({"color": "text", "value": null})];
    let color = |color: &str| if color == "bad" { "red" } else { "orange" };
    steps.extend(panel.thresholds.iter().map(|step| json!({"color": color(&step.color), "value": step.value})));
    steps
}

/// How lines, areas and bars are drawn.
fn custom(panel: &Panel) -> Value {
    if panel.kind != Kind::TimeSeriesChart {
        return json!({});
    }
    let (style, fill, stacking) = match panel.display {
        Display::Line => ("line", 0, "none"),
        Display::StackedArea => ("line", 60, "normal"),
        Display::StackedBars => ("bars", 80, "normal"),
    };
    let scale = match panel.scale {
        Scale::Linear => json!({"type": "linear"}),
        Scale::Log => json!({"type": "log", "log": 10}),
    };
    let lines = if panel.thresholds.is_empty() { "off" } else { "line" };
    json!({
        "drawStyle": style,
        "fillOpacity": fill,
        "lineWidth": 1,
        "showPoints": "auto",
        "spanNulls": panel.gap == Gap::Zero,
        "stacking": {"mode": stacking, "group": "A"},
        "scaleDistribution": scale,
        "thresholdsStyle": {"mode": lines},
    })
}

/// A column's title and unit, where they are its own.
fn override_of(panel: &Panel, column: &Column) -> Option<Value> {
    let mut properties = vec![json!({"id": "displayName", "value": column.title})];
    if let Some(own) = column.unit.filter(|own| *own != panel.unit) {
        properties.push(json!({"id": "unit", "value": unit(own)}));
    }
    let bar = panel.kind == Kind::Table && column.bar;
    if bar {
        properties.push(json!({"id": "custom.cellOptions", "value": {"type": "gauge", "mode": "basic"}}));
    }
    let has_own = !column.title.is_empty() || properties.len() > 1;
    has_own.then(|| json!({"matcher": {"id": "byName", "options": column.name}, "properties": properties}))
}

fn options(panel: &Panel) -> Value {
    match panel.kind {
        Kind::TimeSeriesChart => json!({
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        Kind::StatChart => json!({
            "reduceOptions": {
                "values": false, "calcs": ["lastNotNull"],
                "fields": panel.value.as_ref().map_or_else(String::new, |value| format!("/^{value}$/")),
            },
            "colorMode": if panel.thresholds.is_empty() { "none" } else { "value" },
            "graphMode": "none", "textMode": "value",
        }),
        Kind::Table => json!({"showHeader": true, "cellHeight": "sm"}),
        Kind::HeatMapChart => {
            json!({"calculate": false, "yAxis": {"unit": unit(panel.unit)}, "legend": {"show": true}})
        }
        Kind::HistogramChart => json!({"legend": {"showLegend": true, "displayMode": "list", "placement": "bottom"}}),
        Kind::BarChart => json!({
            "orientation": "horizontal", "xField": "label",
            "legend": {"showLegend": panel.columns.len() > 1, "displayMode": "list", "placement": "bottom"},
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "-- Calls of $function.\n-- param from: timestamp, required\n-- param to: timestamp, required\n\
        -- param step: int = 60\n-- param function: text = null\n-- column bucket: timestamp\n-- column calls: bigint\n\
        SELECT $from AS bucket, $step AS calls WHERE ($function IS NULL OR 'f' = $function) AND $functions > 1";

    fn board(panel: &str) -> Value {
        let text =
            format!("title = \"T\"\nabout = \"A.\"\n[[panels]]\nid = \"p\"\ntitle = \"P\"\nquery = \"q\"\n{panel}");
        let mut board: Dashboard = toml::from_str(&text).unwrap();
        board.name = "b".to_owned();
        write(&board, &[NamedQuery::read("q", QUERY).unwrap()])
    }

    #[test]
    fn a_panel_asks_what_it_asks_here() {
        let board =
            board("kind = \"TimeSeriesChart\"\nunit = \"share\"\ndisplay = \"stacked-area\"\ngrid = { w = 8, h = 5 }");
        assert_eq!((&board["title"], &board["schemaVersion"]), (&json!("T"), &json!(39)));
        let panel = &board["panels"][0];
        assert_eq!(
            (&panel["type"], &panel["gridPos"]),
            (&json!("timeseries"), &json!({"x": 0, "y": 0, "w": 8, "h": 5}))
        );
        assert_eq!(panel["fieldConfig"]["defaults"]["unit"], "percentunit");
        assert_eq!(panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"], "normal");
        let sent = panel["targets"][0]["url_options"]["data"].as_str().unwrap();
        let filled = sent
            .replace("${__from:date:iso}", "2026-03-01T00:00:00.000Z")
            .replace("${__to:date:iso}", "2026-03-02T00:00:00.000Z")
            .replace("${fm_step}", "60")
            .replace("${fm_function:json}", "\"\"");
        let body: Value = serde_json::from_str(&filled).expect("JSON once it is filled in");
        let params =
            json!({"from": "2026-03-01T00:00:00.000Z", "to": "2026-03-02T00:00:00.000Z", "step": 60, "function": ""});
        assert_eq!(body["params"], params);
        let sql = body["sql"].as_str().unwrap();
        assert!(
            sql.contains("(nullif($function, '') IS NULL OR 'f' = nullif($function, '')) AND $functions > 1"),
            "{sql}"
        );
        assert!(
            sql.starts_with("-- Calls of $function.\n") && sql.contains("$from AS bucket, $step AS calls"),
            "{sql}"
        );
        let columns = json!([
            {"selector": "bucket", "text": "bucket", "type": "timestamp"},
            {"selector": "calls", "text": "calls", "type": "number"},
        ]);
        assert_eq!(panel["targets"][0]["columns"], columns);
    }

    #[test]
    fn each_kind_has_its_panel() {
        let kinds = ["TimeSeriesChart", "StatChart", "Table", "HeatMapChart", "HistogramChart", "BarChart"];
        let types = kinds.map(|kind| board(&format!("kind = \"{kind}\""))["panels"][0]["type"].clone());
        assert_eq!(types, ["timeseries", "stat", "table", "heatmap", "histogram", "barchart"]);
    }
}
