//! The text formats of metrics: OpenMetrics as the library writes it, or the older Prometheus text for those who do not
//! ask for that.

use http::HeaderMap;
use http::header::ACCEPT;

/// The media type of OpenMetrics.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The media type of the older text.
pub(super) const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether the client names OpenMetrics among what it accepts.
pub(super) fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let names =
        |value: &http::HeaderValue| value.to_str().is_ok_and(|text| text.contains("application/openmetrics-text"));
    headers.get_all(ACCEPT).iter().any(names)
}

/// OpenMetrics as Prometheus' older text: its names are whole names of samples, and there are no units and no end.
pub(super) fn prometheus_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '));
        let kind = lines.peek().and_then(|next| next.strip_prefix("# TYPE ")).and_then(|rest| rest.rsplit_once(' '));
        match (help, kind) {
            (Some((name, help)), Some((_, kind))) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    other => ("", other),
                };
                text.push_str(&format!("# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n"));
                lines.next();
            }
            _ if line.starts_with("# UNIT ") || line == "# EOF" => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_text_names_whole_samples() {
        let open = "# HELP a_b Calls.\n# TYPE a_b counter\na_b_total{x=\"1\"} 2\n# HELP t_seconds Time.\n\
                    # TYPE t_seconds gauge\n# UNIT t_seconds seconds\nt_seconds 5\n# HELP p Program.\n# TYPE p info\np_info{v=\"1\"} 1\n# EOF\n";
        let expected = "# HELP a_b_total Calls.\n# TYPE a_b_total counter\na_b_total{x=\"1\"} 2\n# HELP t_seconds Time.\n\
                        # TYPE t_seconds gauge\nt_seconds 5\n# HELP p_info Program.\n# TYPE p_info gauge\np_info{v=\"1\"} 1\n";
        assert_eq!(prometheus_text(open), expected);
    }
}
