//! Binds values to the `$name`s of a plan: each value becomes a literal of its type, never text of the statement.
//! What a statement declares is `header`'s.

use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::DataType;
use datafusion::common::ParamValues;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::header::Header;
use super::{Error, Param, Params, failure};

/// Binds `given` and the declared defaults to `plan`'s parameters.
pub(super) fn bind(plan: LogicalPlan, header: &Header, given: &Params) -> Result<LogicalPlan, Error> {
    let wanted = wanted(&plan).map_err(failure::of_datafusion)?;
    check_names(&wanted, header, given)?;
    if wanted.is_empty() {
        return Ok(plan);
    }
    let mut values = HashMap::new();
    for (name, inferred) in &wanted {
        let declared = header.param(name);
        let value = given.get(name).or_else(|| declared.and_then(|param| param.default.as_ref()));
        let value = value.ok_or_else(|| Error::Invalid(format!("the parameter ${name} is missing")))?;
        let kind = declared.map(|param| param.kind.data_type());
        values.insert(name.clone(), scalar(name, value, kind.as_ref(), inferred.as_ref())?);
    }
    plan.with_param_values(ParamValues::from(values)).map_err(failure::of_datafusion)
}

/// The plan's parameters, and the type that it expects of each where that is known.
fn wanted(plan: &LogicalPlan) -> Result<BTreeMap<String, Option<DataType>>, DataFusionError> {
    let mut found: BTreeMap<String, Option<DataType>> = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        let counts_rows = matches!(node, LogicalPlan::Limit(_));
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Placeholder(placeholder) = expr {
                    let inferred = placeholder.field.as_ref().map(|field| field.data_type().clone());
                    let inferred = inferred.or_else(|| counts_rows.then_some(DataType::Int64));
                    let known = found.entry(placeholder.id.trim_start_matches('$').to_owned()).or_default();
                    *known = known.take().or(inferred);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

fn check_names(wanted: &BTreeMap<String, Option<DataType>>, header: &Header, given: &Params) -> Result<(), Error> {
    if wanted.keys().any(|name| name.is_empty() || name == "?") {
        return Err(Error::Invalid("parameters have names: write $name instead of ?".to_owned()));
    }
    let known = |name: &String| wanted.contains_key(name) || header.param(name).is_some();
    let Some(unknown) = given.keys().find(|name| !known(name)) else {
        return Ok(());
    };
    let mut names: Vec<&str> = wanted.keys().map(String::as_str).collect();
    names.extend(header.params.iter().map(|param| param.name.as_str()).filter(|name| !wanted.contains_key(*name)));
    let there = if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
    Err(Error::Invalid(format!("the query has no parameter '{unknown}'; {there}")))
}

/// The value as the declared type, or the inferred one where it is text or null, or its own.
pub(super) fn scalar(
    name: &str,
    value: &Param,
    declared: Option<&DataType>,
    inferred: Option<&DataType>,
) -> Result<ScalarValue, Error> {
    let fail = |kind: &DataType| {
        let kind = super::format::type_name(kind);
        Error::Invalid(format!("the parameter ${name} is no {kind}: '{}'", plain(value)))
    };
    let own = own(value);
    let target = match value {
        Param::Null => declared.or(inferred),
        Param::Text(_) => declared.or(inferred.filter(|kind| is_read_from_text(kind))),
        Param::Bool(_) | Param::Int(_) | Param::Float(_) => declared,
    };
    match (target, value) {
        (Some(kind), Param::Int(_)) if matches!(kind, DataType::Timestamp(..) | DataType::Boolean) => Err(fail(kind)),
        (Some(kind), Param::Float(number)) if kind.is_integer() && number.fract() != 0.0 => Err(fail(kind)),
        (Some(kind), Param::Bool(_)) if !matches!(kind, DataType::Boolean | DataType::Utf8) => Err(fail(kind)),
        (Some(kind), _) => match own.cast_to(kind) {
            Ok(cast) if cast.is_null() && !matches!(value, Param::Null) => Err(fail(kind)),
            Ok(cast) => Ok(cast),
            Err(_) => Err(fail(kind)),
        },
        (None, Param::Float(number)) if !number.is_finite() => Err(fail(&DataType::Float64)),
        (None, _) => Ok(own),
    }
}

fn own(value: &Param) -> ScalarValue {
    match value {
        Param::Null => ScalarValue::Null,
        Param::Bool(value) => ScalarValue::Boolean(Some(*value)),
        Param::Int(value) => ScalarValue::Int64(Some(*value)),
        Param::Float(value) => ScalarValue::Float64(Some(*value)),
        Param::Text(value) => ScalarValue::Utf8(Some(value.clone())),
    }
}

fn plain(value: &Param) -> String {
    match value {
        Param::Null => "null".to_owned(),
        Param::Bool(value) => value.to_string(),
        Param::Int(value) => value.to_string(),
        Param::Float(value) => value.to_string(),
        Param::Text(value) => value.clone(),
    }
}

/// Whether text is read as a value of this type; other types are left to the statement's own casts.
fn is_read_from_text(kind: &DataType) -> bool {
    kind.is_numeric()
        || matches!(kind, DataType::Boolean | DataType::Timestamp(..) | DataType::Date32 | DataType::Interval(_))
}
