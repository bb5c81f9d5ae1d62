*** Settings ***
Documentation       核对一天的成交：交易系统的导出与托管行的清单逐笔比较，差异写入工作簿。
Library             reconciliation.py
Library             rpa_task

*** Tasks ***
成交对账
    Set Progress    5    读取成交导出
    ${export} =    Read Export    ${export_file}    ${trade_date}
    Log    成交导出共 ${export.rows} 笔，重复 ${{ len($export.duplicates) }} 笔
    Set Progress    25    读取托管行清单
    ${custodian} =    Read Custodian    ${custodian_file}    ${trade_date}
    Log    托管行清单共 ${custodian.rows} 笔，重复 ${{ len($custodian.duplicates) }} 笔
    Set Progress    55    逐笔核对
    ${result} =    Compare    ${export}    ${custodian}    ${tolerance}
    Report Differences    ${result}
    Set Progress    75    写差异工作簿
    ${workbook} =    Set Variable    对账差异_${trade_date}.xlsx
    Write Workbook    ${result}    ${workbook}
    Set Output    difference_workbook    ${workbook}
    ${counts} =    Counts Of    ${result}
    FOR    ${name}    ${count}    IN    &{counts}
        Set Output    ${name}    ${count}
    END
    Set Progress    100    完成

*** Keywords ***
Report Differences
    [Arguments]    ${result}
    ${counts} =    Counts Of    ${result}
    Log    一致 ${counts}[matched] 笔
    FOR    ${line}    IN    @{result.lines}
        Log    ${line}    WARN
    END
