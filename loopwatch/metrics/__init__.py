"""OpenTelemetry: stalls as metrics and in traces, through its API alone, which does nothing without an SDK.

``availability`` and ``registration`` import nothing of OpenTelemetry; every other module does, and is imported only
where an import may take its time.
"""
