//! A board as Perses has it: panels, their layout and the filters. Perses has no plugin that asks SQL over HTTP, so a panel has
//! no query there, and a link to its answer here.

use serde_json::{Map, Value, json};

use crate::dashboard::{Dashboard, Display, Kind, PARAMS, Panel, Unit};
use crate::query::{NamedQuery, ParamType};

use super::flow::places;

/// The project where nothing else is said on the import.
const PROJECT: &str = "faremeter";

/// The board as JSON.
#[must_use]
pub fn write(board: &Dashboard, queries: &[NamedQuery]) -> Value {
    let panels = board.panels.iter().map(|shown| (shown.id.clone(), panel(board, shown, queries)));
    let items = board.panels.iter().zip(places(&board.panels)).map(|(panel, place)| {
        json!({
            "x": place.x, "y": place.y, "width": place.w, "height": place.h,
            "content": {"$ref": format!("#/spec/panels/{}", panel.id)},
        })
    });
    json!({
        "kind": "Dashboard",
        "metadata": {"name": board.name, "project": PROJECT},
        "spec": {
            "display": {"name": board.title, "description": board.about},
            "duration": "24h",
            "variables": variables(board),
            "panels": panels.collect::<Map<_, _>>(),
            "layouts": [{"kind": "Grid", "spec": {"items": items.collect::<Vec<_>>()}}],
        },
    })
}

/// The server, a text for each filter, and the board's own.
fn variables(board: &Dashboard) -> Vec<Value> {
    let titled = |name: &str, title: &str, value: &str| {
        json!({
            "kind": "TextVariable",
            "spec": {"name": name, "display": {"name": title, "hidden": false}, "value": value},
        })
    };
    let text = |name: &str, value: &str| titled(name, &name.replace('_', " "), value);
    let filters = PARAMS.iter().filter(|(_, kind)| *kind == ParamType::Text).map(|(name, _)| text(name, ""));
    let own = board.variables.iter().map(|own| match own.options.is_empty() {
        true => titled(&own.name, &own.title, &own.default),
        false => json!({
            "kind": "ListVariable",
            "spec": {
                "name": own.name, "display": {"name": own.title, "hidden": false}, "defaultValue": own.default,
                "allowMultiple": false, "allowAllValue": false,
                "plugin": {"kind": "StaticListVariable", "spec": {"values": own.options}},
            },
        }),
    });
    std::iter::once(text("server", "http://127.0.0.1:8080")).chain(filters).chain(own).collect()
}

fn panel(board: &Dashboard, panel: &Panel, queries: &[NamedQuery]) -> Value {
    let query = queries.iter().find(|query| *query.name == *panel.query);
    let asked = query.map_or_else(String::new, |query| format!("{} (query {})", query.doc, query.name));
    let said = [panel.about.as_str(), asked.as_str()].into_iter().filter(|text| !text.is_empty());
    let link = format!(
        "$server/api/v1/dashboards/{}/panels/{}?from=$__from&to=$__to&format=csv&tenant=$tenant&fn=$function&ver=$version&region=$region",
        board.name, panel.id
    );
    json!({
        "kind": "Panel",
        "spec": {
            "display": {"name": panel.title, "description": said.collect::<Vec<_>>().join(" ")},
            "plugin": {"kind": panel.kind.as_str(), "spec": spec(panel)},
            "queries": [],
            "links": [{"name": "Rows as CSV", "url": link, "renderVariables": true, "targetBlank": true}],
        },
    })
}

fn spec(panel: &Panel) -> Value {
    let mut spec = Map::new();
    let format = json!({"unit": unit(panel.unit)});
    match panel.kind {
        Kind::TimeSeriesChart => {
            // Its axis has no scale to choose.
            spec.insert("yAxis".to_owned(), json!({"show": true, "format": format}));
            spec.insert("legend".to_owned(), json!({"position": "bottom", "mode": "list"}));
            spec.insert("visual".to_owned(), visual(panel.display));
        }
        Kind::StatChart => {
            spec.insert("calculation".to_owned(), json!("last-number"));
            spec.insert("format".to_owned(), format);
            if panel.trend.is_some() {
                spec.insert("sparkline".to_owned(), json!({}));
            }
        }
        Kind::Table => {
            let column = |column: &crate::dashboard::Column| json!({"name": column.name, "header": column.title});
            spec.insert("columnSettings".to_owned(), panel.columns.iter().map(column).collect());
        }
        Kind::BarChart => {
            spec.insert("calculation".to_owned(), json!("last-number"));
            spec.insert("format".to_owned(), format);
        }
        Kind::HeatMapChart => {
            spec.insert("yAxisFormat".to_owned(), format);
        }
        Kind::HistogramChart => {
            spec.insert("format".to_owned(), format);
        }
    }
    if !panel.thresholds.is_empty() {
        let step = |step: &crate::dashboard::Threshold| json!({"value": step.value, "name": step.title});
        let steps: Vec<Value> = panel.thresholds.iter().map(step).collect();
        spec.insert("thresholds".to_owned(), json!({"mode": "absolute", "steps": steps}));
    }
    Value::Object(spec)
}

fn visual(display: Display) -> Value {
    match display {
        Display::Line => json!({"display": "line", "areaOpacity": 0}),
        Display::StackedArea => json!({"display": "line", "areaOpacity": 0.6, "stack": "all"}),
        Display::StackedBars => json!({"display": "bar", "stack": "all"}),
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => "percent-decimal",
        Unit::Nanoseconds => "nanoseconds",
        Unit::Milliseconds => "milliseconds",
        Unit::Bytes => "bytes",
        Unit::PerSecond => "counts/sec",
        Unit::None | Unit::Count | Unit::Megabytes | Unit::Money | Unit::Price | Unit::Time | Unit::Text => "decimal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_panels_agree() {
        let text = "title = \"T\"\nabout = \"A.\"\n[[panels]]\nid = \"p\"\ntitle = \"P\"\nquery = \"q\"\nkind = \"StatChart\"\n\
            value = \"v\"\nunit = \"nanoseconds\"\nthresholds = [{ value = 2.5, color = \"bad\" }]\ngrid = { w = 24, h = 3 }\n\
            [[panels]]\nid = \"r\"\ntitle = \"R\"\nquery = \"q\"\nkind = \"TimeSeriesChart\"\nscale = \"log\"\n";
        let mut board: Dashboard = toml::from_str(text).unwrap();
        board.name = "b".to_owned();
        let board = write(&board, &[NamedQuery::read("q", "-- Counts.\nSELECT 1").unwrap()]);
        assert_eq!((&board["kind"], &board["metadata"]["name"]), (&json!("Dashboard"), &json!("b")));
        let spec = &board["spec"];
        let items = spec["layouts"][0]["spec"]["items"].as_array().unwrap();
        let names: Vec<&str> = items.iter().map(|item| item["content"]["$ref"].as_str().unwrap()).collect();
        assert_eq!(names, ["#/spec/panels/p", "#/spec/panels/r"]);
        assert_eq!((&items[1]["y"], &items[0]["width"]), (&json!(3), &json!(24)));
        let stat = &spec["panels"]["p"]["spec"];
        assert_eq!(stat["display"]["description"], "Counts. (query q)");
        let expected = json!({
            "calculation": "last-number", "format": {"unit": "nanoseconds"},
            "thresholds": {"mode": "absolute", "steps": [{"value": 2.5, "name": ""}]},
        });
        assert_eq!((&stat["plugin"]["kind"], &stat["plugin"]["spec"]), (&json!("StatChart"), &expected));
        let axis = json!({"show": true, "format": {"unit": "decimal"}});
        assert_eq!(spec["panels"]["r"]["spec"]["plugin"]["spec"]["yAxis"], axis);
    }
}
