;; geocode: the city nearest to a place, for the shop's delivery dates. WASI preview 1 command, written by hand.
;;
;; Payload: latitude and longitude in degrees, `48.1,11.6`; white space around either is allowed.
;; Reply:   {"city":"Munich","country":"DE","distance_km":4.7}. The distance is that on a flat map, good to about
;;          1 % near a city.
;; Anything else, or a place that is not on earth, is an error: exit code 1.
;; `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get"
    (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit"
    (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  ;; 0: iovec of the payload (256, 100 bytes, then a zero); 8: bytes read or written; 16: iovec of what is written,
  ;; set below; 24, 28: variables and their bytes; 128: subscription to a clock; 192: its event; 512: the reply;
  ;; 1024, 1280: log lines; 4096: the table; 8192: addresses of the variables; 16384: the variables.
  (data (i32.const 0) "\00\01\00\00\64\00\00\00")
  (data (i32.const 48) "QUERY_STRING=")
  (data (i32.const 64) "wait_ms=")
  (data (i32.const 512) "{\22city\22:\22")
  (data (i32.const 768) "\22,\22country\22:\22|")
  (data (i32.const 800) "\22,\22distance_km\22:|")
  (data (i32.const 1024) "{\22level\22:\22info\22,\22msg\22:\22place found\22,\22city\22:\22")
  (data (i32.const 1280) "{\22level\22:\22error\22,\22msg\22:\22payload is not latitude,longitude\22}\0a")
  ;; One line for each city, read by the same functions as the payload; a zero ends the table.
  (data (i32.const 4096)
    "38.72,-9.14,Lisbon,PT\0a"
    "40.42,-3.70,Madrid,ES\0a"
    "41.39,2.17,Barcelona,ES\0a"
    "48.86,2.35,Paris,FR\0a"
    "45.76,4.84,Lyon,FR\0a"
    "51.51,-0.13,London,GB\0a"
    "53.35,-6.26,Dublin,IE\0a"
    "50.85,4.35,Brussels,BE\0a"
    "52.37,4.90,Amsterdam,NL\0a"
    "52.52,13.40,Berlin,DE\0a"
    "53.55,9.99,Hamburg,DE\0a"
    "48.14,11.58,Munich,DE\0a"
    "50.94,6.96,Cologne,DE\0a"
    "48.21,16.37,Vienna,AT\0a"
    "47.38,8.54,Zurich,CH\0a"
    "45.46,9.19,Milan,IT\0a"
    "41.90,12.50,Rome,IT\0a"
    "55.68,12.57,Copenhagen,DK\0a"
    "59.91,10.75,Oslo,NO\0a"
    "59.33,18.07,Stockholm,SE\0a"
    "60.17,24.94,Helsinki,FI\0a"
    "52.23,21.01,Warsaw,PL\0a"
    "50.08,14.44,Prague,CZ\0a"
    "47.50,19.04,Budapest,HU\0a"
    "37.98,23.73,Athens,GR\0a"
    "40.71,-74.01,New York,US\0a"
    "37.77,-122.42,San Francisco,US\0a"
    "43.65,-79.38,Toronto,CA\0a"
    "-23.55,-46.63,Sao Paulo,BR\0a"
    "35.68,139.69,Tokyo,JP\0a"
    "1.35,103.82,Singapore,SG\0a"
    "-33.87,151.21,Sydney,AU\0a"
    "-36.85,174.76,Auckland,NZ\0a"
  )
  ;; Where text is appended.
  (global $end (mut i32) (i32.const 0))
  ;; Where text is read, and whether it has been as it should.
  (global $at (mut i32) (i32.const 0))
  (global $good (mut i32) (i32.const 1))

  (func $append (param $char i32)
    (i32.store8 (global.get $end) (local.get $char))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))

  (func $append_number (param $number i32)
    (if (i32.ge_u (local.get $number) (i32.const 10))
      (then (call $append_number (i32.div_u (local.get $number) (i32.const 10)))))
    (call $append (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10)))))

  ;; Writes what stands from $start to $end, at once so that a log line arrives whole.
  (func $write (param $file i32) (param $start i32)
    (i32.store (i32.const 16) (local.get $start))
    (i32.store (i32.const 20) (i32.sub (global.get $end) (local.get $start)))
    (drop (call $fd_write (local.get $file) (i32.const 16) (i32.const 1) (i32.const 8))))

  ;; Whether the text at $at begins with the $length bytes at $prefix.
  (func $begins (param $at i32) (param $prefix i32) (param $length i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $length)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u (local.get $at)) (i32.load8_u (local.get $prefix))) (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $prefix (i32.add (local.get $prefix) (i32.const 1)))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; The digits at $at, at most 60000.
  (func $milliseconds (param $at i32) (result i64)
    (local $value i64) (local $digit i32)
    (block $done
      (loop $next
        (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
        (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
        (local.set $value
          (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
        (if (i64.gt_u (local.get $value) (i64.const 60000)) (then (return (i64.const 60000))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $value))

  ;; What the query at $at, which ends with a zero, gives for wait_ms.
  (func $asked (param $at i32) (result i64)
    (loop $pair
      (if (call $begins (local.get $at) (i32.const 64) (i32.const 8))
        (then (return (call $milliseconds (i32.add (local.get $at) (i32.const 8))))))
      (loop $char
        (if (i32.eqz (i32.load8_u (local.get $at))) (then (return (i64.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $pair (i32.eq (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 38))) ;; &
        (br $char)))
    (unreachable))

  ;; Waits as long as the query asks for, on a clock that only moves forward: as if for a database.
  (func $wait
    (local $variable i32) (local $ms i64)
    (drop (call $environ_sizes_get (i32.const 24) (i32.const 28)))
    (if (i32.or
          (i32.gt_u (i32.load (i32.const 24)) (i32.const 2000))
          (i32.gt_u (i32.load (i32.const 28)) (i32.const 48000)))
      (then (return)))
    (drop (call $environ_get (i32.const 8192) (i32.const 16384)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load (i32.const 24))))
        (i32.store (i32.const 24) (i32.sub (i32.load (i32.const 24)) (i32.const 1)))
        (local.set $variable
          (i32.load (i32.add (i32.const 8192) (i32.shl (i32.load (i32.const 24)) (i32.const 2)))))
        (if (call $begins (local.get $variable) (i32.const 48) (i32.const 13))
          (then (local.set $ms (call $asked (i32.add (local.get $variable) (i32.const 13))))))
        (br $next)))
    (if (i64.eqz (local.get $ms)) (then (return)))
    (i32.store (i32.const 144) (i32.const 1)) ;; the monotonic clock
    (i64.store (i32.const 152) (i64.mul (local.get $ms) (i64.const 1000000)))
    (drop (call $poll_oneoff (i32.const 128) (i32.const 192) (i32.const 1) (i32.const 8))))

  ;; Appends what stands from $from up to the first $stop; gives the address behind that.
  (func $append_until (param $from i32) (param $stop i32) (result i32)
    (loop $next
      (if (i32.eq (i32.load8_u (local.get $from)) (local.get $stop))
        (then (return (i32.add (local.get $from) (i32.const 1)))))
      (call $append (i32.load8_u (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br $next))
    (unreachable))

  (func $skip_space
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load8_u (global.get $at))))
        (br_if $done (i32.gt_u (i32.load8_u (global.get $at)) (i32.const 32)))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (br $next))))

  ;; The digits at $at as a number; $good falls where there is none.
  (func $digits (result f64)
    (local $value f64) (local $digit i32) (local $start i32)
    (local.set $start (global.get $at))
    (block $done
      (loop $next
        (local.set $digit (i32.sub (i32.load8_u (global.get $at)) (i32.const 48)))
        (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
        (local.set $value
          (f64.add (f64.mul (local.get $value) (f64.const 10)) (f64.convert_i32_u (local.get $digit))))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (br $next)))
    (if (i32.eq (local.get $start) (global.get $at)) (then (global.set $good (i32.const 0))))
    (local.get $value))

  ;; A number with an optional sign and fraction, and the white space around it; $good falls where it is not one from
  ;; -$most to $most.
  (func $degrees (param $most f64) (result f64)
    (local $value f64) (local $sign f64) (local $fraction f64) (local $start i32)
    (local.set $sign (f64.const 1))
    (call $skip_space)
    (if (i32.eq (i32.load8_u (global.get $at)) (i32.const 45)) ;; -
      (then
        (local.set $sign (f64.const -1))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))))
    (local.set $value (call $digits))
    (if (i32.eq (i32.load8_u (global.get $at)) (i32.const 46)) ;; .
      (then
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (local.set $start (global.get $at))
        (local.set $fraction (call $digits))
        (loop $shift
          (if (i32.lt_u (local.get $start) (global.get $at))
            (then
              (local.set $fraction (f64.div (local.get $fraction) (f64.const 10)))
              (local.set $start (i32.add (local.get $start) (i32.const 1)))
              (br $shift))))
        (local.set $value (f64.add (local.get $value) (local.get $fraction)))))
    (call $skip_space)
    (if (f64.gt (local.get $value) (local.get $most)) (then (global.set $good (i32.const 0))))
    (f64.mul (local.get $sign) (local.get $value)))

  ;; Steps over the comma at $at.
  (func $comma
    (if (i32.ne (i32.load8_u (global.get $at)) (i32.const 44)) (then (global.set $good (i32.const 0))))
    (global.set $at (i32.add (global.get $at) (i32.const 1))))

  ;; The cosine of an angle from -90 to 90 degrees: a Taylor series, good to four digits.
  (func $cosine (param $degrees f64) (result f64)
    (local $square f64)
    (local.set $square (f64.mul (local.get $degrees) (f64.const 0.017453292519943295)))
    (local.set $square (f64.mul (local.get $square) (local.get $square)))
    (f64.add (f64.const 1) (f64.mul (local.get $square)
      (f64.add (f64.const -0.5) (f64.mul (local.get $square)
        (f64.add (f64.const 0.041666666666666664) (f64.mul (local.get $square)
          (f64.add (f64.const -0.001388888888888889) (f64.mul (local.get $square)
            (f64.const 0.0000248015873015873))))))))))

  ;; How far two places are apart, in kilometres.
  (func $distance (param $lat1 f64) (param $lon1 f64) (param $lat2 f64) (param $lon2 f64) (result f64)
    (local $east f64) (local $north f64)
    (local.set $north (f64.sub (local.get $lat1) (local.get $lat2)))
    (local.set $east (f64.abs (f64.sub (local.get $lon1) (local.get $lon2))))
    (if (f64.gt (local.get $east) (f64.const 180)) ;; the other way round is shorter
      (then (local.set $east (f64.sub (f64.const 360) (local.get $east)))))
    (local.set $east (f64.mul (local.get $east)
      (call $cosine (f64.div (f64.add (local.get $lat1) (local.get $lat2)) (f64.const 2)))))
    (f64.mul (f64.const 111.195) (f64.sqrt (f64.add
      (f64.mul (local.get $north) (local.get $north))
      (f64.mul (local.get $east) (local.get $east))))))

  ;; Appends the distance, and what ends a reply and a log line alike.
  (func $append_kilometres (param $km f64)
    (local $tenths i32)
    (local.set $tenths (i32.trunc_f64_u (f64.nearest (f64.mul (local.get $km) (f64.const 10)))))
    (drop (call $append_until (i32.const 800) (i32.const 124))) ;; |
    (call $append_number (i32.div_u (local.get $tenths) (i32.const 10)))
    (call $append (i32.const 46)) ;; .
    (call $append_number (i32.rem_u (local.get $tenths) (i32.const 10)))
    (call $append (i32.const 125)) ;; }
    (call $append (i32.const 10)))

  ;; Writes the reply and the log line for the city whose name is at $name.
  (func $answer (param $name i32) (param $km f64)
    (local $country i32)
    (global.set $end (i32.const 521)) ;; 512 and the 9 characters that stand there
    (local.set $country (call $append_until (local.get $name) (i32.const 44)))
    (drop (call $append_until (i32.const 768) (i32.const 124))) ;; |
    (drop (call $append_until (local.get $country) (i32.const 10)))
    (call $append_kilometres (local.get $km))
    (call $write (i32.const 1) (i32.const 512))
    (global.set $end (i32.const 1068)) ;; 1024 and the 44 characters that stand there
    (drop (call $append_until (local.get $name) (i32.const 44)))
    (call $append_kilometres (local.get $km))
    (call $write (i32.const 2) (i32.const 1024)))

  (func $refuse
    (global.set $end (i32.const 1340)) ;; 1280 and the 60 characters that stand there
    (call $write (i32.const 2) (i32.const 1280))
    (call $proc_exit (i32.const 1)))

  (func (export "_start")
    (local $lat f64) (local $lon f64) (local $km f64) (local $least f64) (local $name i32)
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (global.set $at (i32.const 256))
    (local.set $lat (call $degrees (f64.const 90)))
    (call $comma)
    (local.set $lon (call $degrees (f64.const 180)))
    (if (i32.or (i32.eqz (global.get $good)) (i32.load8_u (global.get $at)))
      (then (call $refuse)))
    (call $wait)
    (local.set $least (f64.const inf))
    (global.set $at (i32.const 4096))
    (loop $city
      (local.set $km (call $degrees (f64.const 90)))
      (call $comma)
      (local.set $km
        (call $distance (local.get $lat) (local.get $lon) (local.get $km) (call $degrees (f64.const 180))))
      (call $comma)
      (if (f64.lt (local.get $km) (local.get $least))
        (then
          (local.set $least (local.get $km))
          (local.set $name (global.get $at))))
      (loop $line
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (br_if $line (i32.ne (i32.load8_u (i32.sub (global.get $at) (i32.const 1))) (i32.const 10))))
      (br_if $city (i32.load8_u (global.get $at))))
    (call $answer (local.get $name) (local.get $least))))
