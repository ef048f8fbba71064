//! The SQL of the catalog and how its rows are read. What may be asked is `super`'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use crate::model::{FunctionSpec, FunctionVersion, VersionState};
use crate::units::{Megabytes, Timestamp};

use super::{Deployment, Error, Function};

pub(super) async fn load(pool: &SqlitePool) -> Result<BTreeMap<String, Function>, Error> {
    let rows = sqlx::query(
        "SELECT v.*, f.active_version FROM functions f JOIN versions v ON v.function = f.name
         WHERE f.removed_at IS NULL AND v.version IN (f.latest_version, f.active_version)
         ORDER BY v.function, v.version DESC",
    )
    .fetch_all(pool)
    .await?;
    let mut functions: BTreeMap<String, Function> = BTreeMap::new();
    for row in &rows {
        let active: Option<u32> = row.try_get("active_version")?;
        let version = Arc::new(read(row)?);
        let name = version.spec.name.clone();
        let entry = functions.entry(name).or_insert_with(|| Function { latest: Arc::clone(&version), active: None });
        if active == Some(version.version) {
            entry.active = Some(version);
        }
    }
    Ok(functions)
}

pub(super) async fn version(
    pool: &SqlitePool,
    name: &str,
    version: u32,
) -> Result<Option<Arc<FunctionVersion>>, Error> {
    let query = sqlx::query("SELECT * FROM versions WHERE function = ? AND version = ? AND removed_at IS NULL");
    let row = query.bind(name).bind(version).fetch_optional(pool).await?;
    row.as_ref().map(|row| read(row).map(Arc::new)).transpose()
}

/// The newest first.
pub(super) async fn versions(
    pool: &SqlitePool,
    name: &str,
    before: Option<u32>,
    limit: usize,
) -> Result<Vec<Arc<FunctionVersion>>, Error> {
    let query = sqlx::query(
        "SELECT * FROM versions WHERE function = ? AND version < ? AND removed_at IS NULL
         ORDER BY version DESC LIMIT ?",
    );
    let before = before.map_or(i64::MAX, i64::from);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query.bind(name).bind(before).bind(limit).fetch_all(pool).await?;
    rows.iter().map(|row| read(row).map(Arc::new)).collect()
}

/// By name and number, the first `limit`.
pub(super) async fn deployments(pool: &SqlitePool, limit: usize) -> Result<Vec<Deployment>, Error> {
    let query = sqlx::query(
        "SELECT v.*, v.version IS f.active_version AS is_active FROM functions f JOIN versions v ON v.function = f.name
         WHERE f.removed_at IS NULL AND v.removed_at IS NULL ORDER BY v.function, v.version LIMIT ?",
    );
    let rows = query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).fetch_all(pool).await?;
    rows.iter().map(|row| Ok(Deployment { version: read(row)?, is_active: row.try_get("is_active")? })).collect()
}

/// In the order that they were deployed.
pub(super) async fn pending(pool: &SqlitePool) -> Result<Vec<Arc<FunctionVersion>>, Error> {
    let query = sqlx::query(
        "SELECT * FROM versions WHERE state = 'pending' AND removed_at IS NULL ORDER BY deployed_at, function, version",
    );
    query.fetch_all(pool).await?.iter().map(|row| read(row).map(Arc::new)).collect()
}

pub(super) async fn insert(
    pool: &SqlitePool,
    spec: FunctionSpec,
    sha256: String,
    at: Timestamp,
) -> Result<FunctionVersion, Error> {
    let mut transaction = pool.begin().await?;
    let version: u32 = sqlx::query_scalar(
        "INSERT INTO functions (name, latest_version) VALUES (?1, 1)
         ON CONFLICT (name) DO UPDATE SET latest_version = latest_version + 1, removed_at = NULL
         RETURNING latest_version",
    )
    .bind(&spec.name)
    .fetch_one(&mut *transaction)
    .await?;
    let json = |map: &BTreeMap<String, String>| serde_json::to_string(map).expect("a map of texts is JSON");
    sqlx::query(
        "INSERT INTO versions (function, version, tenant, memory_mb, timeout_ms, env, tags, architecture,
             ephemeral_storage_mb, reserved_concurrency, price_book, sha256, deployed_at, provisioned_concurrency,
             rate_per_s, single_use, fuel, allowed_hosts, state)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
    )
    .bind(&spec.name)
    .bind(version)
    .bind(&spec.tenant)
    .bind(spec.memory.0)
    .bind(i64::try_from(spec.timeout.as_millis()).unwrap_or(i64::MAX))
    .bind(json(&spec.env))
    .bind(json(&spec.tags))
    .bind(spec.architecture.as_str())
    .bind(spec.ephemeral_storage.0)
    .bind(spec.reserved_concurrency)
    .bind(&spec.price_book)
    .bind(&sha256)
    .bind(at.micros())
    .bind(spec.provisioned_concurrency)
    .bind(spec.rate_per_s)
    .bind(spec.single_use)
    .bind(spec.fuel)
    .bind(serde_json::to_string(&spec.allowed_hosts).expect("a set of texts is JSON"))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let deployed_at = Timestamp::from_micros(at.micros());
    Ok(FunctionVersion { spec, version, sha256, state: VersionState::Pending, deployed_at })
}

/// Says whether the version became the one that calls run.
pub(super) async fn settle(pool: &SqlitePool, name: &str, version: u32, state: &VersionState) -> Result<bool, Error> {
    let reason = if let VersionState::Failed(reason) = state { Some(reason) } else { None };
    let mut transaction = pool.begin().await?;
    sqlx::query("UPDATE versions SET state = ?, reason = ? WHERE function = ? AND version = ?")
        .bind(state.as_str())
        .bind(reason)
        .bind(name)
        .bind(version)
        .execute(&mut *transaction)
        .await?;
    let mut activated = false;
    if *state == VersionState::Active {
        let result = sqlx::query(
            "UPDATE functions SET active_version = ?1
             WHERE name = ?2 AND removed_at IS NULL AND latest_version = ?1 AND coalesce(held_version, 0) < ?1",
        )
        .bind(version)
        .bind(name)
        .execute(&mut *transaction)
        .await?;
        activated = result.rows_affected() > 0;
    }
    transaction.commit().await?;
    Ok(activated)
}

/// Says whether there is such a version that can run.
pub(super) async fn activate(pool: &SqlitePool, name: &str, version: u32) -> Result<bool, Error> {
    let result = sqlx::query(
        "UPDATE functions
         SET active_version = ?1, held_version = iif(latest_version = ?1, NULL, latest_version)
         WHERE name = ?2 AND removed_at IS NULL AND EXISTS (
             SELECT 1 FROM versions
             WHERE function = ?2 AND version = ?1 AND state = 'active' AND removed_at IS NULL)",
    )
    .bind(version)
    .bind(name)
    .execute(pool)
    .await?;
    Ok(result.rows_affected() > 0)
}

pub(super) async fn remove(pool: &SqlitePool, name: &str, at: Timestamp) -> Result<(), Error> {
    let mut transaction = pool.begin().await?;
    for change in [
        "UPDATE functions SET removed_at = ?, active_version = NULL, held_version = NULL WHERE name = ?",
        "UPDATE versions SET removed_at = ? WHERE function = ? AND removed_at IS NULL",
    ] {
        sqlx::query(change).bind(at.micros()).bind(name).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<FunctionVersion, Error> {
    let name: String = row.try_get("function")?;
    let damaged = |reason: String| Error::Damaged { function: name.clone(), reason };
    let map = |column: &str| -> Result<BTreeMap<String, String>, Error> {
        let text: String = row.try_get(column)?;
        serde_json::from_str(&text).map_err(|error| damaged(format!("{column}: {error}")))
    };
    let state: String = row.try_get("state")?;
    let state = match state.as_str() {
        "pending" => VersionState::Pending,
        "active" => VersionState::Active,
        _ => VersionState::Failed(row.try_get::<Option<String>, _>("reason")?.unwrap_or_default()),
    };
    let architecture: String = row.try_get("architecture")?;
    let timeout_ms: i64 = row.try_get("timeout_ms")?;
    let spec = FunctionSpec {
        name: name.clone(),
        tenant: row.try_get("tenant")?,
        memory: Megabytes(row.try_get("memory_mb")?),
        timeout: Duration::from_millis(timeout_ms.unsigned_abs()),
        env: map("env")?,
        tags: map("tags")?,
        architecture: architecture.parse().map_err(|error: crate::model::UnknownWord| damaged(error.to_string()))?,
        ephemeral_storage: Megabytes(row.try_get("ephemeral_storage_mb")?),
        reserved_concurrency: row.try_get("reserved_concurrency")?,
        provisioned_concurrency: row.try_get("provisioned_concurrency")?,
        rate_per_s: row.try_get("rate_per_s")?,
        single_use: row.try_get("single_use")?,
        fuel: row.try_get("fuel")?,
        allowed_hosts: serde_json::from_str(row.try_get("allowed_hosts")?)
            .map_err(|error| damaged(format!("allowed_hosts: {error}")))?,
        price_book: row.try_get("price_book")?,
    };
    Ok(FunctionVersion {
        spec,
        version: row.try_get("version")?,
        sha256: row.try_get("sha256")?,
        state,
        deployed_at: Timestamp::from_micros(row.try_get("deployed_at")?),
    })
}
