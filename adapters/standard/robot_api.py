"""A robot's own interface (clause 6.3), for a connection whose peer is a robot. The connection signs in by itself."""
from __future__ import annotations

from adapters.standard.forwarding import forwarded
from plugins.operations import (
    robot_api_file,
    robot_api_license,
    robot_api_machine,
    robot_api_package,
    robot_api_process,
    robot_api_robot,
    robot_api_task,
    robot_api_task_log,
    robot_api_video,
)

robot_api_start = forwarded(robot=robot_api_robot.robot_api_start)
robot_api_stop = forwarded(robot=robot_api_robot.robot_api_stop)
robot_api_config = forwarded(robot=robot_api_robot.robot_api_config)
robot_api_query = forwarded(robot=robot_api_robot.robot_api_query)
robot_api_machine_query = forwarded(robot=robot_api_machine.robot_api_machine_query)
robot_api_package_create = forwarded(robot=robot_api_package.robot_api_package_create)
robot_api_package_delete = forwarded(robot=robot_api_package.robot_api_package_delete)
robot_api_package_query = forwarded(robot=robot_api_package.robot_api_package_query)
robot_api_process_create = forwarded(robot=robot_api_process.robot_api_process_create)
robot_api_process_activate_package_version = forwarded(robot=robot_api_process.robot_api_process_activate_package_version)
robot_api_process_delete = forwarded(robot=robot_api_process.robot_api_process_delete)
robot_api_process_update = forwarded(robot=robot_api_process.robot_api_process_update)
robot_api_process_list = forwarded(robot=robot_api_process.robot_api_process_list)
robot_api_task_create = forwarded(robot=robot_api_task.robot_api_task_create)
robot_api_task_cancel = forwarded(robot=robot_api_task.robot_api_task_cancel)
robot_api_task_pause = forwarded(robot=robot_api_task.robot_api_task_pause)
robot_api_task_resume = forwarded(robot=robot_api_task.robot_api_task_resume)
robot_api_task_query = forwarded(robot=robot_api_task.robot_api_task_query)
robot_api_task_list = forwarded(robot=robot_api_task.robot_api_task_list)
robot_api_file_create = forwarded(robot=robot_api_file.robot_api_file_create)
robot_api_file_delete = forwarded(robot=robot_api_file.robot_api_file_delete)
robot_api_file_update = forwarded(robot=robot_api_file.robot_api_file_update)
robot_api_file_query = forwarded(robot=robot_api_file.robot_api_file_query)
robot_api_file_list = forwarded(robot=robot_api_file.robot_api_file_list)
robot_api_task_log_query = forwarded(robot=robot_api_task_log.robot_api_task_log_query)
robot_api_video_query = forwarded(robot=robot_api_video.robot_api_video_query)
robot_api_license_info = forwarded(robot=robot_api_license.robot_api_license_info)
